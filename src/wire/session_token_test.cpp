#include "wire/session_token.h"

#include <gtest/gtest.h>

#include "env/real/real_env.h"

namespace boxship::wire {
namespace {

TEST(SessionTokens, open_what_was_issued_and_nothing_else)
{
    env::RealRandom random;
    crypto::Key key{};
    random.fill(key);
    const SessionTokens tokens(key);
    const Session session{random.next<TaskId>(), "arn:aws:iam::000000000000:role/path/app", Time{1234567890123}};
    const auto credentials = tokens.issue(session, random);
    const auto opened = tokens.open(credentials.access_key_id, credentials.session_token);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->session.task, session.task);
    EXPECT_EQ(opened->session.role_arn, session.role_arn);
    EXPECT_EQ(opened->session.expires_at, session.expires_at);
    EXPECT_EQ(opened->secret_access_key, credentials.secret_access_key);

    EXPECT_FALSE(tokens.open("ASIAOTHEROTHEROTHER1", credentials.session_token));
    std::string altered = credentials.session_token;
    altered[20] = altered[20] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.open(credentials.access_key_id, altered));
    EXPECT_FALSE(tokens.open(credentials.access_key_id, ""));
    random.fill(key);
    EXPECT_FALSE(SessionTokens(key).open(credentials.access_key_id, credentials.session_token));
}

TEST(SessionTokens, names_the_assumed_role)
{
    const auto task = TaskId::parse("00112233445566778899aabbccddeeff");
    EXPECT_EQ(assumed_role_arn("arn:aws:iam::000000000000:role/path/app", *task),
              "arn:aws:sts::000000000000:assumed-role/app/00112233445566778899aabbccddeeff");
    EXPECT_EQ(assumed_role_arn("arn:aws:s3:::bucket", *task), "");
}

}  // namespace
}  // namespace boxship::wire
