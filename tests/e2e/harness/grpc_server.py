"""A gRPC server without generated code, as a program: port as argument. `/t.T/Echo` answers with what it got, `/t.T/Count` streams the
numbers up to it, `/t.T/Refuse` fails with details. Everything else is UNIMPLEMENTED, as a load balancer's health check wants it."""

import sys
from concurrent import futures

import grpc


def refuse(_, context):
    context.set_trailing_metadata([("x-why", "because")])
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today")


class Handlers(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/t.T/Echo":
            return grpc.unary_unary_rpc_method_handler(lambda request, _: request)
        if details.method == "/t.T/Count":
            return grpc.unary_stream_rpc_method_handler(lambda request, _: (str(i).encode() for i in range(int(request))))
        if details.method == "/t.T/Refuse":
            return grpc.unary_unary_rpc_method_handler(refuse)
        return None


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([Handlers()])
    server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
    server.start()
    server.wait_for_termination()
