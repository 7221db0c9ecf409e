// What several nouns share.
#pragma once

#include <string>
#include <vector>

#include "model/fields.h"

namespace boxship::model {

// Every resource belongs to one account and one region; both stand in its ARN.
struct Scope {
    std::string account;
    std::string region;
    auto operator<=>(const Scope&) const = default;
    template <class A>
    void fields(A& a) { a(1, account); a(2, region); }
};

struct KeyValue {  // a tag, an attribute, a setting
    std::string key;
    std::string value;
    bool operator==(const KeyValue&) const = default;
    template <class A>
    void fields(A& a) { a(1, key); a(2, value); }
};

// "name within account and region": the index key of most named things.
struct ScopedName {
    Scope scope;
    std::string name;
    auto operator<=>(const ScopedName&) const = default;
    template <class A>
    void fields(A& a) { a(1, scope); a(2, name); }
};

}  // namespace boxship::model
