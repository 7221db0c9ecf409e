// Ids: 16 random bytes, one type per kind of thing, so that swapping two does not compile. Text only at the edge.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace boxship {

// Made by Ids::next(Time): the second half begins with it.
template <class Tag>
inline constexpr bool holds_time = false;
template <>
inline constexpr bool holds_time<struct TaskTag> = true;

template <class Tag>
class Id {
public:
    using Raw = std::array<std::byte, 16>;
    static constexpr bool has_time = holds_time<Tag>;

    Id() = default;  // all zero: "none"
    explicit Id(const Raw& raw) : raw_(raw) {}

    // By their bytes, so that those with one beginning stand together; of those that hold their time that half first. As two
    // numbers, because ids are compared more often than anything else is done.
    bool operator==(const Id& other) const { return half(0) == other.half(0) && half(8) == other.half(8); }
    std::strong_ordering operator<=>(const Id& other) const
    {
        constexpr std::size_t first = holds_time<Tag> ? 8 : 0;
        const std::uint64_t a = half(first), b = other.half(first);
        return a != b ? in_order(a) <=> in_order(b) : in_order(half(8 - first)) <=> in_order(other.half(8 - first));
    }
    explicit operator bool() const { return (half(0) | half(8)) != 0; }
    const Raw& raw() const { return raw_; }

    // 32 lower-case hexadecimal digits.
    friend std::string to_text(const Id& id) { return to_hex(id.raw_); }
    static std::optional<Id> parse(std::string_view text)
    {
        Id id;
        if (text.size() != 32 || !from_hex(text, id.raw_)) return std::nullopt;
        return id;
    }
    // "subnet-0123456789abcdef0": EC2's form, the first 17 digits. Not invertible; look up by it through an index.
    friend std::string to_short_text(std::string_view prefix, const Id& id)
    {
        return std::string(prefix) + to_hex(id.raw_).substr(0, 17);
    }

private:
    std::uint64_t half(std::size_t at) const
    {
        std::uint64_t number;
        std::memcpy(&number, raw_.data() + at, sizeof number);
        return number;
    }
    static std::uint64_t in_order(std::uint64_t number)
    {
        return std::endian::native == std::endian::little ? __builtin_bswap64(number) : number;
    }

    Raw raw_{};
};

template <class Tag>
struct IdHash {
    std::size_t operator()(const Id<Tag>& id) const
    {
        std::size_t hash;
        std::memcpy(&hash, id.raw().data(), sizeof hash);
        return hash;
    }
};

using ClusterId = Id<struct ClusterTag>;
using TaskDefinitionId = Id<struct TaskDefinitionTag>;
using TaskId = Id<struct TaskTag>;
using InstanceId = Id<struct InstanceTag>;      // an ECS container instance
using RepositoryId = Id<struct RepositoryTag>;
using UploadId = Id<struct UploadTag>;
using VpcId = Id<struct VpcTag>;
using SubnetId = Id<struct SubnetTag>;
using SecurityGroupId = Id<struct SecurityGroupTag>;
using EniId = Id<struct EniTag>;
using GroupRuleId = Id<struct GroupRuleTag>;
using RouteTableId = Id<struct RouteTableTag>;
using RouteAssociationId = Id<struct RouteAssociationTag>;
using InternetGatewayId = Id<struct InternetGatewayTag>;
using NatGatewayId = Id<struct NatGatewayTag>;
using ElasticAddressId = Id<struct ElasticAddressTag>;
using LoadBalancerId = Id<struct LoadBalancerTag>;
using ListenerId = Id<struct ListenerTag>;
using RuleId = Id<struct ListenerRuleTag>;
using TargetGroupId = Id<struct TargetGroupTag>;
using CertificateId = Id<struct CertificateTag>;
using ServiceId = Id<struct ServiceTag>;        // an ECS service
using ServiceDeploymentId = Id<struct ServiceDeploymentTag>;

}  // namespace boxship
