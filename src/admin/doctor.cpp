#include <boost/asio/awaitable.hpp>

#include "admin/admin.h"
#include "bridge/store_call.h"
#include "state/doctor.h"

namespace boxship::admin {

using shape::Json;

http::Async<http::Response> Admin::doctor()
{
    struct Report {
        std::vector<std::string> findings;
        std::size_t rows = 0;
    };
    const auto examine = [](state::Txn& txn) {
        Report report{.findings = state::examine(txn)};
        report.rows = txn.rows<model::Cluster>().size() + txn.rows<model::TaskDefinition>().size() + txn.rows<model::Task>().size() +
                      txn.rows<model::Instance>().size() + txn.rows<model::Eni>().size() + txn.rows<model::Repository>().size() +
                      txn.rows<model::Image>().size() + txn.rows<model::Blob>().size();
        return report;
    };
    const auto report = co_await bridge::update(store_, examine);
    if (!report.ok()) co_return json_error(500, report.error().message);
    Json findings = Json::array();
    for (const auto& finding : report->findings) findings.push_back(finding);
    Json answer = Json::object({{"rows", report->rows}});
    answer.set("findings", std::move(findings));
    co_return json_answer(answer);
}

}  // namespace boxship::admin
