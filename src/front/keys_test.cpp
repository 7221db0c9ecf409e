#include "front/keys.h"

#include "env/real/real_env.h"

namespace boxship::front {
namespace {

TEST(Keys, knows_root_hosts_sessions_and_the_test_key)
{
    env::RealRandom random;
    const wire::SessionTokens sessions(crypto::Key{});
    Keys keys("000000000000", sessions);
    keys.add_root({"AKIAROOT", "root-secret", ""});
    keys.set_hosts({{"i-1", {"AKIAHOST", "host-secret", ""}}});
    const Time now{1'800'000'000'000};
    const auto find = [&](std::string id, std::string token = {}, std::string source = "10.0.0.1") {
        sigv4::Claim claim;
        claim.access_key_id = std::move(id);
        claim.session_token = std::move(token);
        return keys.find(claim, source, now);
    };

    EXPECT_EQ(find("AKIAROOT").value().secret, "root-secret");
    EXPECT_EQ(find("AKIAROOT").value().principal.arn, "arn:aws:iam::000000000000:root");
    EXPECT_EQ(find("AKIAROOT", "token").error(), KeyProblem::bad_token);
    EXPECT_EQ(find("AKIAHOST").value().principal.host, "i-1");
    EXPECT_EQ(find("AKIA").error(), KeyProblem::unknown_key);

    keys.set_hosts({{"i-1", {"AKIAROTATED", "new", ""}}});
    EXPECT_EQ(find("AKIAHOST").error(), KeyProblem::unknown_key);
    EXPECT_EQ(find("AKIAROTATED").value().secret, "new");
    keys.set_hosts({});
    EXPECT_EQ(find("AKIAROTATED").error(), KeyProblem::unknown_key);
    EXPECT_TRUE(find("AKIAROOT").ok());

    EXPECT_EQ(find("test", "", "127.0.0.1").error(), KeyProblem::unknown_key);
    keys.allow_test_key();
    EXPECT_EQ(find("test", "", "127.0.0.1").value().secret, "test");
    EXPECT_EQ(find("test", "", "10.0.0.1").error(), KeyProblem::unknown_key);

    const auto task = random.next<TaskId>();
    const auto issue = [&](Milliseconds life) {
        return sessions.issue({task, "arn:aws:iam::000000000000:role/app", now + life}, random);
    };
    const sigv4::Credentials session = issue(std::chrono::hours(1));
    const auto found = find(session.access_key_id, session.session_token);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->secret, session.secret_access_key);
    EXPECT_EQ(found->principal.task, task);
    EXPECT_EQ(found->principal.arn, "arn:aws:sts::000000000000:assumed-role/app/" + to_text(task));
    EXPECT_EQ(find(session.access_key_id, session.session_token + "x").error(), KeyProblem::bad_token);
    const sigv4::Credentials old = issue(-std::chrono::seconds(1));
    EXPECT_EQ(find(old.access_key_id, old.session_token).error(), KeyProblem::expired_token);
}

}  // namespace
}  // namespace boxship::front
