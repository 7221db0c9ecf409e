// Round trips of every record in every protocol of its service, and hostile input.
#include <set>

#include "ec2/ops.h"
#include "ecs/ops.h"
#include "shape/check.h"
#include "shape/json_value.h"
#include "shape/pattern.h"
#include "shape/read.h"
#include "shape/scalars.h"
#include "shape/services.h"
#include "shape/slots.h"
#include "shape/test_records.h"
#include "shape/write.h"
#include "sts/ops.h"

namespace boxship::shape {
namespace {

void collect(const TypeInfo& type, std::set<const RecordInfo*>& records);

void collect(const RecordInfo& record, std::set<const RecordInfo*>& records)
{
    if (!records.insert(&record).second) return;
    for (const MemberInfo& member : record.members) collect(*member.type, records);
}

void collect(const TypeInfo& type, std::set<const RecordInfo*>& records)
{
    if (type.record) collect(*type.record, records);
    if (type.element) collect(*type.element, records);
}

std::set<const RecordInfo*> records_of(const ServiceInfo& service)
{
    std::set<const RecordInfo*> records;
    for (const OperationInfo* operation : service.operations) {
        collect(*operation->request, records);
        collect(*operation->response, records);
    }
    return records;
}

TEST(Protocols, json_round_trip_of_every_record)
{
    std::size_t records = 0;
    for (const ServiceInfo* service : services()) {
        for (const RecordInfo* info : records_of(*service)) {
            for (const int density : {10, 5}) {
                AnyRecord record(*info);
                AnyRecord back(*info);
                fill(record, ++records, density);
                const std::string text = write_json(record);
                ASSERT_TRUE(Json::parse(text).ok()) << text;
                const auto read = read_json(text, back);
                ASSERT_TRUE(read.ok()) << info->name << ": " << read.error().message << "\n" << text;
                ASSERT_TRUE(equal(record, back)) << info->name << "\n" << text << "\n" << write_json(back);
                AnyRecord copy(*info);
                copy_value({.kind = Kind::record, .record = info}, copy.ref().data, back.ref().data);
                ASSERT_TRUE(equal(record, copy)) << info->name;
            }
        }
    }
    EXPECT_GT(records, 1300u);
}

TEST(Protocols, query_and_ec2_round_trip_of_every_record)
{
    std::uint64_t seed = 0;
    for (const ServiceInfo* service : services()) {
        if (service->protocols[0] != Protocol::query && service->protocols[0] != Protocol::ec2) continue;
        const bool ec2 = service->protocols[0] == Protocol::ec2;
        for (const OperationInfo* operation : service->operations) {
            for (int round = 0; round < 10; ++round) {
                AnyRecord request(*operation->request);
                AnyRecord request_back(*operation->request);
                fill(request, ++seed);
                const std::string form = write_form(request, ec2);
                const auto read = ec2 ? read_ec2(form, request_back) : read_query(form, request_back);
                ASSERT_TRUE(read.ok()) << operation->name << ": " << read.error().message << "\n" << form;
                // A structure without members leaves no trace in a form, so texts are compared, not values.
                ASSERT_EQ(form, write_form(request_back, ec2)) << operation->name;

                AnyRecord response(*operation->response);
                AnyRecord response_back(*operation->response);
                fill(response, ++seed, 8);
                const std::string xml = ec2 ? write_ec2_xml(*operation, response, "id") : write_query_xml(*operation, response, "id");
                const std::string element = std::string(operation->name) + (ec2 ? "Response" : "Result");
                if (!operation->has_output) continue;
                ASSERT_TRUE(read_xml(xml, element, response_back, ec2)) << xml;
                ASSERT_TRUE(equal(response, response_back)) << operation->name << "\n" << xml << "\n" << write_json(response_back);
            }
        }
    }
    EXPECT_GT(seed, 300u);
}

TEST(Protocols, every_pattern_compiles_and_every_operation_is_found)
{
    std::size_t patterns = 0;
    for (const ServiceInfo* service : services()) {
        for (const RecordInfo* record : records_of(*service)) {
            for (const MemberInfo& member : record->members) {
                for (const TypeInfo* type = member.type; type; type = type->element) {
                    if (!type->limits || type->limits->pattern.empty()) continue;
                    ++patterns;
                    EXPECT_TRUE(compiles(type->limits->pattern)) << service->name << ": " << type->limits->pattern;
                }
            }
        }
        for (const OperationInfo* operation : service->operations) {
            EXPECT_EQ(service->find_operation(operation->name), operation);
            for (const std::string_view error : operation->errors) EXPECT_NE(service->find_error(error), nullptr) << error;
        }
    }
    EXPECT_GT(patterns, 50u);
    EXPECT_EQ(ecs::service_info.find_operation("Nothing"), nullptr);
}

std::string json_error(std::string_view text)
{
    ecs::RunTaskRequest request;
    const auto read = read_json(text, request);
    if (read.ok()) return "accepted";
    EXPECT_EQ(read.error().code, "SerializationException");
    return read.error().message;
}

TEST(ReadJson, says_what_is_wrong)
{
    EXPECT_EQ(json_error(R"({"count":"3"})"), "STRING_VALUE can not be converted to an Integer at 'count'");
    EXPECT_EQ(json_error(R"({"cluster":3})"), "NUMBER_VALUE can not be converted to a String at 'cluster'");
    EXPECT_EQ(json_error(R"({"cluster":true})"), "TRUE_VALUE can not be converted to a String at 'cluster'");
    EXPECT_EQ(json_error(R"({"cluster":{}})"), "Start of structure or map found where not expected at 'cluster', expected a String");
    EXPECT_EQ(json_error(R"({"cluster":[]})"), "Start of list found where not expected at 'cluster', expected a String");
    EXPECT_EQ(json_error(R"({"tags":{}})"), "Start of structure or map found where not expected at 'tags', expected a list");
    EXPECT_EQ(json_error(R"({"tags":[{"key":1}]})"), "NUMBER_VALUE can not be converted to a String at 'tags.1.member.key'");
    EXPECT_EQ(json_error(R"({"tags":[null]})"), "NULL_VALUE can not be converted to a structure at 'tags.1.member'");
    EXPECT_EQ(json_error(R"({"count":1.5})"), "NUMBER_VALUE 1.5 can not be converted to an Integer at 'count'");
    EXPECT_EQ(json_error(R"({"count":2147483648})"), "NUMBER_VALUE 2147483648 can not be converted to an Integer at 'count'");
    EXPECT_EQ(json_error("[]"), "Start of list found where not expected, expected a structure");
    EXPECT_EQ(json_error("{\"count\":1"), "unexpected end of input, expected ',' or '}'");
    EXPECT_EQ(json_error("{\"count\":}"), "unexpected character '}' at offset 9, expected a value");
    EXPECT_EQ(json_error("x"), "unexpected character 'x' at offset 0, expected a value");
    EXPECT_EQ(json_error("{} {}"), "unexpected character '{' at offset 3, expected the end of the text");
    std::string deep = R"({"unknown":)";
    for (int i = 0; i < 200; ++i) deep += '[';
    EXPECT_EQ(json_error(deep), "nested deeper than 100 levels");
    std::string many = R"({"tags":[)";
    for (std::size_t i = 0; i < read_elements_max; ++i) many += "{},";
    EXPECT_EQ(json_error(many + "{}]}"), "more than 100000 list elements");
}

TEST(ReadJson, tolerates_what_clients_send)
{
    ecs::RunTaskRequest request;
    ASSERT_TRUE(read_json("", request).ok());
    ASSERT_TRUE(read_json(" \n", request).ok());
    const auto read = read_json(R"({"count":1e0,"count":2,"cluster":null,"future":{"a":[1,{}]},"tags":[],)"
                                R"("taskDefinition":"w\u00e9b","launchType":"FARGATE"} )", request);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(request.count, 2);
    EXPECT_FALSE(request.cluster.has());
    EXPECT_TRUE(request.tags.has() && request.tags.empty());
    EXPECT_EQ(request.task_definition, "wéb");
    EXPECT_TRUE(request.launch_type == ecs::LaunchType::fargate);
    EXPECT_EQ(write_json(request), R"({"taskDefinition":"wéb","count":2,"launchType":"FARGATE","tags":[]})");
}

TEST(ReadJson, survives_every_truncation_and_bit_flip)
{
    ecs::RegisterTaskDefinitionRequest original;
    fill(original, 11, 6);
    const std::string text = write_json(original);
    std::size_t failures = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        ecs::RegisterTaskDefinitionRequest request;
        if (!read_json(std::string_view(text).substr(0, i), request).ok()) ++failures;
        std::string flipped = text;
        flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
        ecs::RegisterTaskDefinitionRequest other;
        (void)read_json(flipped, other).ok();
    }
    EXPECT_EQ(failures, text.size() - 1);  // the empty text is an empty request
}

TEST(WriteJson, times_numbers_and_secrets)
{
    ecs::DescribeTasksResponse response;
    ecs::Task& task = response.tasks.emplace_back();
    task.created_at = Time{1732109704123};
    task.started_at = Time{1732109704000};
    task.stopped_at = Time{1732109704100};
    task.version = 9007199254740993;
    EXPECT_EQ(write_json(response), R"({"tasks":[{"createdAt":1732109704.123,"startedAt":1732109704,)"
                                    R"("stoppedAt":1732109704.1,"version":9007199254740993}]})");
    sts::Credentials credentials;
    credentials.access_key_id = "AKIA";
    credentials.secret_access_key = "secret";
    EXPECT_EQ(write_json(credentials, Secrets::masked), R"({"AccessKeyId":"AKIA","SecretAccessKey":"***"})");
    EXPECT_EQ(write_json(sts::GetCallerIdentityRequest{}), "{}");
}

TEST(ReadQuery, forms_of_the_aws_cli)
{
    sts::AssumeRoleRequest request;
    const auto read = read_query("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fx"
                                 "&RoleSessionName=a+b&Tags.member.1.Key=k&Tags.member.1.Value=v&Tags.member.10.Key=ten"
                                 "&Tags.member.2.Key=two&TransitiveTagKeys.member.1=k&PolicyArns=&DurationSeconds=900", request);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(request.role_arn, "arn:aws:iam::000000000000:role/x");
    EXPECT_EQ(request.role_session_name, "a b");
    ASSERT_EQ(request.tags.size(), 3u);
    EXPECT_EQ(request.tags[2].key, "ten");
    EXPECT_EQ(request.transitive_tag_keys[0], "k");
    EXPECT_TRUE(request.policy_arns.has() && request.policy_arns.empty());
    EXPECT_FALSE(request.provided_contexts.has());
    EXPECT_EQ(request.duration_seconds, 900);
}

TEST(ReadQuery, forms_of_ec2)
{
    ec2::DescribeSubnetsRequest request;
    const auto read = read_ec2("Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1"
                               "&Filter.1.Value.2=vpc-2&SubnetId.1=subnet-1&DryRun=false&MaxResults=5", request);
    ASSERT_TRUE(read.ok()) << read.error().message;
    EXPECT_EQ(request.filters[0].name, "vpc-id");
    EXPECT_EQ(request.filters[0].values[1], "vpc-2");
    EXPECT_EQ(request.subnet_ids[0], "subnet-1");
    EXPECT_FALSE(*request.dry_run);
}

TEST(ReadQuery, refuses)
{
    const auto error_of = [](std::string_view form) {
        sts::AssumeRoleRequest request;
        const auto read = read_query(form, request);
        EXPECT_TRUE(read.ok() || read.error().code == "MalformedInput");
        return read.ok() ? "accepted" : read.error().message;
    };
    EXPECT_EQ(error_of("DurationSeconds=soon"), "STRING_VALUE can not be converted to an Integer at 'durationSeconds'");
    EXPECT_EQ(error_of("RoleArn=%ff"), "invalid UTF-8 in the form");
    EXPECT_EQ(error_of("Tags.member.x.Key=a&Tags.member.0.Key=b&&=&Tags.member.=c&%=%4"), "accepted");
    EXPECT_EQ(error_of("TransitiveTagKeys.member.1.deeper=a"), "'transitiveTagKeys.1.member' expected a String");
}

TEST(ReadQuery, survives_bit_flips)
{
    sts::AssumeRoleRequest original;
    fill(original, 3);
    const std::string form = write_form(original, false);
    ASSERT_GT(form.size(), 200u);
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < form.size() * 8; ++i) {
        std::string flipped = form;
        flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
        sts::AssumeRoleRequest request;
        if (!read_query(flipped, request).ok()) continue;
        ++accepted;
        (void)check(request, {});
    }
    EXPECT_GT(accepted, 0u);
}

TEST(WriteXml, shapes_of_the_answers)
{
    sts::GetCallerIdentityResponse identity;
    identity.account = "000000000000";
    identity.arn = "arn:aws:iam::000000000000:root";
    identity.user_id = "a<b>&\"\x01";
    EXPECT_EQ(write_query_xml(sts::ops::GetCallerIdentity::info, identity, "req-1"),
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
              "<UserId>a&lt;b&gt;&amp;&quot;\xEF\xBF\xBD</UserId><Account>000000000000</Account>"
              "<Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult>"
              "<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>");
    ec2::DescribeVpcsResult vpcs;
    ec2::Vpc& vpc = vpcs.vpcs.emplace_back();
    vpc.vpc_id = "vpc-1";
    vpc.is_default = true;
    vpc.tags.emplace();
    EXPECT_EQ(write_ec2_xml(ec2::ops::DescribeVpcs::info, vpcs, "req-1"),
              "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
              "<DescribeVpcsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><requestId>req-1</requestId><vpcSet><item>"
              "<isDefault>true</isDefault><tagSet></tagSet><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>");
}

TEST(Scalars, times)
{
    EXPECT_EQ(parse_iso8601("2024-11-20T13:35:04.1234Z")->ms, 1732109704123);
    EXPECT_EQ(parse_iso8601("2024-11-20T14:35:04+01:00")->ms, 1732109704000);
    for (const char* bad : {"", "2024-11-20", "2024-13-20T13:35:04Z", "2024-02-30T13:35:04Z", "2024-11-20T13:35:04", "2024-11-20T25:00:00Z"})
        EXPECT_FALSE(parse_iso8601(bad)) << bad;
    EXPECT_EQ(parse_epoch("1732109704.1239")->ms, 1732109704124);
    EXPECT_EQ(to_epoch(Time{-1500}), "-1.5");
    EXPECT_EQ(to_epoch(Time{1001}), "1.001");
}

}  // namespace
}  // namespace boxship::shape
