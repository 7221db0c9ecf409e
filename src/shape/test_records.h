// For tests: records filled by their tables, and the client's side of the query and XML protocols.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shape/light.h"

namespace boxship::shape {

// A record of any type, owned.
class AnyRecord {
public:
    explicit AnyRecord(const RecordInfo& info);
    ~AnyRecord();
    AnyRecord(const AnyRecord&) = delete;
    AnyRecord& operator=(const AnyRecord&) = delete;
    operator RecordRef() { return {info_, data_}; }
    operator ConstRecordRef() const { return {info_, data_}; }
    RecordRef ref() { return *this; }

private:
    const RecordInfo& info_;
    void* data_;
};

// Fills with values that depend on the seed, within the limits of the tables; density 1…10 is how many members are set.
void fill(RecordRef record, std::uint64_t seed, int density = 10);

std::string write_form(ConstRecordRef record, bool ec2);
// The reverse of write_query_xml and write_ec2_xml: the record inside `element` of `xml`. False when it is not well formed.
bool read_xml(std::string_view xml, std::string_view element, RecordRef into, bool ec2);

}  // namespace boxship::shape
