// What is fuzzed: each function takes one input, of any bytes, and ends the process (CHECK, sanitizer) when something that
// must hold does not. With clang and -DBOXSHIP_FUZZ=ON each becomes a program fuzz_<name>; every build runs the inputs
// kept in corpus/<name>/ through them (corpus_test.cpp), so that what was found once stays mended.
#pragma once

#include <span>
#include <string_view>

namespace boxship::fuzz {

void acs(std::string_view input);        // frames of both directions of the agents' channel, and telemetry
void http(std::string_view input);       // heads and chunked bodies, in pieces of different size
void journal(std::string_view input);    // a group of the journal, its rows, and the doctor
void json(std::string_view input);       // requests in JSON: grammar, records, checks, answers
void layer(std::string_view input);      // compressed layers and tar
void manifest(std::string_view input);   // manifests, indexes, image configurations
void query(std::string_view input);      // requests as forms, both dialects
void selection(std::string_view input);  // expressions of the cluster query language
void server(std::string_view input);     // a connection to the server, websocket included
void sigv4(std::string_view input);      // signatures in headers and in presigned URLs
void texts(std::string_view input);      // image references, challenges, ranges, URLs, session tokens

struct Target {
    std::string_view name;
    void (*run)(std::string_view input);
};

inline constexpr Target targets[] = {
    {"acs", acs},     {"http", http},         {"journal", journal}, {"json", json},     {"layer", layer},
    {"manifest", manifest}, {"query", query}, {"selection", selection}, {"server", server}, {"sigv4", sigv4}, {"texts", texts},
};

}  // namespace boxship::fuzz
