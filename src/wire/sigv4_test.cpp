// The expected signatures were computed with botocore for these inputs.
#include "wire/sigv4.h"

#include <gtest/gtest.h>

#include "wire/crypto.h"

namespace boxship::sigv4 {
namespace {

const Time now = *parse_basic_iso8601("20261120T133504Z");
const Credentials plain_keys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const Credentials session_keys{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "TOKEN/with+signs=="};

struct Sample {
    const char* name;
    const char* method;
    const char* target;
    http::Headers headers;
    std::string body;
    Credentials keys;
    Scope scope;
    const char* signed_headers;
    const char* signature;
};

std::vector<Sample> samples()
{
    return {
        {"json", "POST", "/", {{"Host", "localhost:4566"}, {"Content-Type", "application/x-amz-json-1.1"}, {"X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListClusters"}, {"User-Agent", "x"}},
         "{}", plain_keys, {"us-east-1", "ecs"}, "content-type;host;x-amz-date;x-amz-target", "7806d0e71fb5da01348f75542980f14d9b95fe9c38baff75907a8802d06ab15a"},
        {"token and spaces", "POST", "/", {{"Host", "localhost:4566"}, {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}, {"X-Spaces", "  a   b  "}},
         "Action=GetCallerIdentity&Version=2011-06-15", session_keys, {"us-east-1", "sts"}, "content-type;host;x-amz-date;x-amz-security-token;x-spaces",
         "a7554837a4d03153a974fc6d81fc8f556130fe4f0fd7f07279ce0709ff724782"},
        {"query", "GET", "/restapis?b=2&a=1&a=0&empty=&sp=%20x&u=%C3%A9", {{"Host", "localhost:4566"}}, "", plain_keys, {"us-east-1", "eks"},
         "host;x-amz-date", "dd0c263f152dceb188290acc8cd0198cb008562f64e7a4c5264bc09ebddd032e"},
        {"path, encoded twice", "GET", "/a%20b/../c//d/./e%2Ff/%C3%A9", {{"Host", "localhost:4566"}}, "", plain_keys, {"eu-west-1", "eks"}, "host;x-amz-date",
         "9c22e5784131e4d34be3950892c31cadb4374afa83dcf63349de3e8138bcd8f7"},
        {"path, encoded once", "PUT", "/bucket/a%20b/../c//d/./%C3%A9%2B", {{"Host", "localhost:4566"}, {"Content-MD5", "abc"}}, "hello", plain_keys, {"us-east-1", "s3"},
         "content-md5;host;x-amz-content-sha256;x-amz-date", "c8bef3c5294dfc67e3006b14348f3604391ef0d917cbe1e45fcdbafaae8465f4"},
    };
}

Outcome<void, SigV4Error> check(const Sample& sample, const http::Headers& headers, Time at, std::string_view target, std::string_view body)
{
    const auto claim = parse_authorization(sample.method, target, headers);
    if (!claim.ok()) return claim.error();
    return verify(*claim, sample.method, target, headers, signed_payload_hash(*claim, body), sample.keys.secret_access_key, at);
}

TEST(SigV4, signs_as_botocore_does)
{
    KeyCache keys;
    for (Sample sample : samples()) {
        sign(sample.headers, sample.method, sample.target, crypto::sha256_hex(sample.body), sample.keys, sample.scope, now, &keys);
        EXPECT_EQ(sample.headers.get("Authorization"),
                  fmt::format("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261120/{}/{}/aws4_request, SignedHeaders={}, Signature={}",
                              sample.scope.region, sample.scope.service, sample.signed_headers, sample.signature))
            << sample.name;
    }
}

TEST(SigV4, presigns_as_botocore_does)
{
    EXPECT_EQ(presign("GET", "/bucket/key%20x?versionId=3", "localhost:4566", session_keys, {"us-east-1", "s3"}, now, std::chrono::seconds(900)),
              "/bucket/key%20x?versionId=3&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261120%2Fus-east-1%2Fs3%2Faws4_request"
              "&X-Amz-Date=20261120T133504Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Security-Token=TOKEN%2Fwith%2Bsigns%3D%3D"
              "&X-Amz-Signature=5902abd6c1ada2e0e6c3a313d875d76f10e1c2c795ef2617173fb39c8072b95f");
    EXPECT_EQ(presign("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "localhost:4566", plain_keys, {"us-east-1", "sts"}, now, std::chrono::seconds(60)),
              "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261120%2Fus-east-1%2Fsts%2Faws4_request"
              "&X-Amz-Date=20261120T133504Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=d89a90ebf6da97c1f2d963c05267d2a924b284127125ca7a08462a25f53b1805");
}

TEST(SigV4, accepts_what_was_signed_and_nothing_else)
{
    for (Sample sample : samples()) {
        sign(sample.headers, sample.method, sample.target, crypto::sha256_hex(sample.body), sample.keys, sample.scope, now);
        const auto good = check(sample, sample.headers, now + std::chrono::minutes(14), sample.target, sample.body);
        EXPECT_TRUE(good.ok()) << sample.name << ": " << good.error().message;
        EXPECT_EQ(check(sample, sample.headers, now, sample.target, sample.body + "x").error().kind, ErrorKind::mismatch) << sample.name;
        const std::string longer = std::string(sample.target) + (std::string_view(sample.target).find('?') == std::string_view::npos ? "?z" : "&z");
        EXPECT_EQ(check(sample, sample.headers, now, longer, sample.body).error().kind, ErrorKind::mismatch) << sample.name;
        http::Headers changed = sample.headers;
        changed.set("Host", "elsewhere");
        EXPECT_EQ(check(sample, changed, now, sample.target, sample.body).error().kind, ErrorKind::mismatch) << sample.name;
        changed.remove("Host");
        EXPECT_EQ(check(sample, changed, now, sample.target, sample.body).error().kind, ErrorKind::mismatch) << sample.name;
        const auto claim = parse_authorization(sample.method, sample.target, sample.headers);
        EXPECT_EQ(claim->access_key_id, "AKIDEXAMPLE");
        EXPECT_EQ(claim->region, sample.scope.region);
        EXPECT_EQ(claim->service, sample.scope.service);
        EXPECT_EQ(claim->session_token, sample.keys.session_token);
        EXPECT_FALSE(claim->presigned);
        EXPECT_EQ(verify(*claim, sample.method, sample.target, sample.headers, signed_payload_hash(*claim, sample.body), "other secret", now).error().kind,
                  ErrorKind::mismatch);
    }
}

TEST(SigV4, a_plus_in_a_query_is_a_space)
{
    // Go's clients write "+" on the wire and sign "%20".
    http::Headers headers{{"Host", "h"}};
    sign(headers, "GET", "/ws?dockerVersion=DockerVersion%3A%2020.10.24", empty_payload_sha256, plain_keys, {"us-east-1", "ecs"}, now);
    const auto claim = parse_authorization("GET", "/ws?dockerVersion=DockerVersion%3A+20.10.24", headers);
    EXPECT_TRUE(verify(*claim, "GET", "/ws?dockerVersion=DockerVersion%3A+20.10.24", headers, empty_payload_sha256, plain_keys.secret_access_key, now).ok());
}

TEST(SigV4, minds_the_clock)
{
    Sample sample = samples()[0];
    sign(sample.headers, sample.method, sample.target, crypto::sha256_hex(sample.body), sample.keys, sample.scope, now);
    const auto late = check(sample, sample.headers, now + std::chrono::minutes(16), sample.target, sample.body);
    EXPECT_EQ(late.error().kind, ErrorKind::skewed);
    EXPECT_EQ(late.error().message, "Signature expired: 20261120T133504Z is now earlier than 20261120T133604Z (20261120T135104Z - 15 min.)");
    const auto early = check(sample, sample.headers, now - std::chrono::minutes(16), sample.target, sample.body);
    EXPECT_EQ(early.error().kind, ErrorKind::skewed);
    EXPECT_EQ(early.error().message, "Signature not yet current: 20261120T133504Z is still later than 20261120T133404Z (20261120T131904Z + 15 min.)");
    http::Headers other_day = sample.headers;
    other_day.set("X-Amz-Date", "20261121T000000Z");
    EXPECT_EQ(check(sample, other_day, now, sample.target, sample.body).error().kind, ErrorKind::malformed);
}

TEST(SigV4, presigned_targets_are_checked_and_expire)
{
    for (const Scope& scope : {Scope{"us-east-1", "s3"}, Scope{"us-east-1", "sts"}}) {
        const std::string target = presign("GET", "/a%20b?x=1", "h:1", session_keys, scope, now, std::chrono::seconds(100));
        const http::Headers headers{{"Host", "h:1"}};
        const auto claim = parse_authorization("GET", target, headers);
        ASSERT_TRUE(claim.ok()) << claim.error().message;
        EXPECT_TRUE(claim->presigned);
        EXPECT_EQ(claim->session_token, session_keys.session_token);
        const auto verify_at = [&](Time at, std::string_view method) {
            return verify(*claim, method, target, headers, signed_payload_hash(*claim, ""), session_keys.secret_access_key, at);
        };
        EXPECT_TRUE(verify_at(now + Milliseconds(100'000), "GET").ok());
        EXPECT_EQ(verify_at(now + Milliseconds(101'000), "GET").error().kind, ErrorKind::expired);
        EXPECT_EQ(verify_at(now - std::chrono::minutes(16), "GET").error().kind, ErrorKind::skewed);
        EXPECT_EQ(verify_at(now, "PUT").error().kind, ErrorKind::mismatch);
    }
    std::string week = presign("GET", "/", "h", plain_keys, {"us-east-1", "s3"}, now, std::chrono::seconds(604801));
    EXPECT_EQ(parse_authorization("GET", week, {}).error().kind, ErrorKind::malformed);
}

TEST(SigV4, names_what_is_wrong_with_a_header)
{
    const auto parse = [](std::string authorization, bool dated = true) {
        http::Headers headers{{"Host", "h"}, {"Authorization", std::move(authorization)}};
        if (dated) headers.add("X-Amz-Date", "20261120T133504Z");
        return parse_authorization("GET", "/", headers);
    };
    const std::string signature(64, 'a');
    const std::string sound = "AWS4-HMAC-SHA256 Credential=A/B/20261120/r/s/aws4_request,SignedHeaders=host;x-amz-date,Signature=" + signature;
    ASSERT_TRUE(parse(sound).ok());
    EXPECT_EQ(parse(sound)->access_key_id, "A/B");
    EXPECT_EQ(parse_authorization("GET", "/?a=b", {}).error().kind, ErrorKind::missing);
    EXPECT_EQ(parse("AWS4-ECDSA-P256-SHA256 Credential=A/20261120/s/aws4_request, SignedHeaders=host, Signature=00").error().message,
              "SigV4a (AWS4-ECDSA-P256-SHA256) is not supported; sign with AWS4-HMAC-SHA256.");
    EXPECT_EQ(parse("AWS4-ECDSA-P256-SHA256 x=y").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(parse("Basic QVdTOnB3").error().kind, ErrorKind::unsupported);
    EXPECT_EQ(parse("AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request").error().message,
              "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.");
    EXPECT_EQ(parse("AWS4-HMAC-SHA256").error().kind, ErrorKind::malformed);
    for (const std::string& bad : {std::string("AWS4-HMAC-SHA256 Credential"), "AWS4-HMAC-SHA256 Credential=A/r/s/aws4_request,SignedHeaders=host,Signature=" + signature,
                                   "AWS4-HMAC-SHA256 Credential=A/2026112x/r/s/aws4_request,SignedHeaders=host,Signature=" + signature,
                                   "AWS4-HMAC-SHA256 Credential=A/20261120//s/aws4_request,SignedHeaders=host,Signature=" + signature,
                                   "AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request,SignedHeaders=x-amz-date,Signature=" + signature,
                                   "AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request,SignedHeaders=x;host,Signature=" + signature,
                                   "AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request,SignedHeaders=Host,Signature=" + signature,
                                   "AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request,SignedHeaders=host,Signature=" + std::string(64, 'Z'),
                                   std::string("AWS4-HMAC-SHA256 Credential=A/20261120/r/s/aws4_request,SignedHeaders=host,Signature=aa")})
        EXPECT_EQ(parse(bad).error().kind, ErrorKind::malformed) << bad;
    EXPECT_EQ(parse(sound, false).error().kind, ErrorKind::malformed);
    EXPECT_EQ(parse_authorization("GET", "/?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Signature=1", {}).error().kind, ErrorKind::unsupported);
    EXPECT_EQ(parse_authorization("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", {}).error().kind, ErrorKind::malformed);
}

TEST(SigV4, says_which_payload_hash_counts)
{
    Claim claim;
    EXPECT_EQ(signed_payload_hash(claim, "hello"), crypto::sha256_hex("hello"));
    claim.payload_hash = crypto::sha256_hex("something else");
    EXPECT_EQ(signed_payload_hash(claim, "hello"), crypto::sha256_hex("hello"));
    claim.payload_hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    EXPECT_EQ(signed_payload_hash(claim, "hello"), claim.payload_hash);
}

TEST(SigV4, keeps_a_bounded_number_of_keys)
{
    KeyCache keys(2);
    const std::string first = keys.signing_key("s", "20261120", "r", "ecs");
    EXPECT_EQ(first, KeyCache().signing_key("s", "20261120", "r", "ecs"));
    for (const char* service : {"a", "b", "c"}) keys.signing_key("s", "20261120", "r", service);
    EXPECT_EQ(keys.signing_key("s", "20261120", "r", "ecs"), first);
    EXPECT_NE(keys.signing_key("s", "20261120", "re", "cs"), first);
}

}  // namespace
}  // namespace boxship::sigv4
