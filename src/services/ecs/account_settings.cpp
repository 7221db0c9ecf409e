#include "services/ecs/account_settings.h"

#include <algorithm>

#include "base/strings.h"
#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

struct KnownSetting {
    api::SettingName name;
    const char* value;                 // when nobody set it
    std::vector<std::string> allowed;  // empty: only the default
};

// In the order in which they are listed. The long ARN formats cannot be switched off any more.
const std::vector<KnownSetting>& known_settings()
{
    using Name = api::SettingName;
    static const std::vector<KnownSetting> settings = {
        {Name::awsvpc_trunking, "disabled", {"enabled", "disabled"}},
        {Name::container_insights, "disabled", {"enabled", "enhanced", "disabled"}},
        {Name::container_instance_long_arn_format, "enabled", {"enabled"}},
        {Name::default_log_driver_mode, "non-blocking", {"blocking", "non-blocking"}},
        {Name::fargate_event_windows, "disabled", {"enabled", "disabled"}},
        {Name::fargate_fips_mode, "disabled", {"enabled", "disabled"}},
        {Name::fargate_task_retirement_wait_period, "7", {"0", "7", "14"}},
        {Name::guard_duty_activate, "off", {}},
        {Name::service_long_arn_format, "enabled", {"enabled"}},
        {Name::tag_resource_authorization, "off", {"on", "off"}},
        {Name::task_long_arn_format, "enabled", {"enabled"}},
    };
    return settings;
}

const KnownSetting* find_known(std::optional<api::SettingName> name)
{
    const auto& settings = known_settings();
    const auto found = std::ranges::find_if(settings, [&](const auto& known) { return known.name == name; });
    return found == settings.end() ? nullptr : &*found;
}

struct SettingRow {
    api::SettingName name;
    std::string value;
    std::string principal;
};
struct SettingRows {
    std::vector<SettingRow> settings;
    std::string next_token;
};

std::shared_ptr<const model::AccountSetting> stored(const View& view, const model::Scope& scope, const std::string& principal, api::SettingName name)
{
    return view.get<model::AccountSetting>({scope, principal, std::string(api::to_text(name))});
}

std::string effective(const View& view, const model::Scope& scope, const std::string& principal, const KnownSetting& known)
{
    for (const auto& owner : {principal, std::string()})
        if (const auto row = stored(view, scope, owner, known.name)) return row->value;
    return known.value;
}

// Whose settings a request is about: the account's owner, who alone may ask, may name anyone.
std::string owner_of(const Call& call, std::string_view principal)
{
    return std::string(principal.empty() ? std::string_view(call.principal.arn) : principal);
}

Result<SettingRow> put(Txn& txn, const Call& call, std::optional<api::SettingName> name, std::string_view value, const std::string& owner)
{
    const auto* known = find_known(name);
    if (!known || known->allowed.empty()) return invalid(messages::setting_unknown);
    if (std::ranges::find(known->allowed, value) == known->allowed.end()) return invalid(say(messages::setting_invalid, value, api::to_text(*name)));
    txn.put(model::AccountSetting{.id = {call.scope, owner, std::string(api::to_text(*name))}, .value = std::string(value)});
    return SettingRow{*name, std::string(value), owner};
}

Result<SettingRow> put_account_setting(Txn& txn, const Call& call, const api::PutAccountSettingRequest& request)
{
    const std::string owner = owner_of(call, request.principal_arn);
    return put(txn, call, request.name, request.value, owner);
}

Result<SettingRow> put_account_setting_default(Txn& txn, const Call& call, const api::PutAccountSettingDefaultRequest& request)
{
    ASSIGN_OR_RETURN(SettingRow row, put(txn, call, request.name, request.value, ""));
    row.principal = call.principal.arn;
    return row;
}

Result<SettingRow> delete_account_setting(Txn& txn, const Call& call, const api::DeleteAccountSettingRequest& request)
{
    const auto* known = find_known(request.name);
    if (!known) return invalid(messages::setting_unknown);
    const std::string owner = owner_of(call, request.principal_arn);
    txn.erase<model::AccountSetting>({call.scope, owner, std::string(api::to_text(known->name))});
    return SettingRow{known->name, effective(txn, call.scope, owner, *known), owner};
}

Result<SettingRows> list_account_settings(Txn& txn, const Call& call, const api::ListAccountSettingsRequest& request)
{
    constexpr std::int32_t page_max = 10;
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results, page_max));
    const std::string owner = owner_of(call, request.principal_arn);
    PageBuilder builder(page);
    SettingRows rows;
    for (const auto& known : known_settings()) {
        const std::string name(api::to_text(known.name));
        if (name <= page.after || (request.name && *request.name != known.name)) continue;
        const auto own = stored(txn, call.scope, owner, known.name);
        if (!own && !request.effective_settings.value_or(false)) continue;
        const std::string value = own ? own->value : effective(txn, call.scope, owner, known);
        if (!request.value.empty() && request.value != value) continue;
        if (!builder.add(name, "")) break;
        rows.settings.push_back({known.name, value, owner});
    }
    rows.next_token = builder.take().next_token;
    return rows;
}

void render(const SettingRow& row, api::Setting& out)
{
    out.name = row.name;
    out.value = row.value;
    out.principal_arn = row.principal;
    out.type = row.name == api::SettingName::guard_duty_activate ? api::SettingType::aws_managed : api::SettingType::user;
}

template <class Response>
Response render_setting(const SettingRow& row)
{
    Response response;
    render(row, response.setting.emplace());
    return response;
}

api::ListAccountSettingsResponse render_settings(const SettingRows& rows)
{
    api::ListAccountSettingsResponse response;
    response.settings.emplace();
    for (const auto& row : rows.settings) render(row, response.settings.emplace_back());
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

std::string account_setting(const View& view, const Call& call, api::SettingName name)
{
    const auto* known = find_known(name);
    CHECK(known != nullptr);
    return effective(view, call.scope, call.principal.arn, *known);
}

void serve_account_settings(Served& served)
{
    served.add<api::ops::PutAccountSetting>(put_account_setting, render_setting<api::PutAccountSettingResponse>);
    served.add<api::ops::PutAccountSettingDefault>(put_account_setting_default, render_setting<api::PutAccountSettingDefaultResponse>);
    served.add<api::ops::DeleteAccountSetting>(delete_account_setting, render_setting<api::DeleteAccountSettingResponse>);
    served.add<api::ops::ListAccountSettings>(list_account_settings, render_settings);
}

}  // namespace boxship::services::ecs
