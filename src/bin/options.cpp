#include "bin/options.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "base/numbers.h"

namespace boxship::bin {
namespace {

const std::vector<Flag>& common_flags()
{
    static const std::vector<Flag> flags = {
        {"--data", "DIR", "where everything is kept (default $BOXSHIP_DATA or /var/lib/boxship)"},
        {"--json", "", "print JSON"},
        {"--help", "", "print this"},
    };
    return flags;
}

const Flag* find_flag(const Usage& usage, const std::string& name)
{
    for (const auto* flags : {&usage.flags, &common_flags()})
        for (const auto& flag : *flags)
            if (flag.name == name) return &flag;
    return nullptr;
}

}  // namespace

HostResult<Options> Options::parse(const Usage& usage, const std::vector<std::string>& words)
{
    Options options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        std::string word = words[i];
        if (word == "--") {
            options.words_.insert(options.words_.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
            break;
        }
        if (word.size() < 2 || word[0] != '-') {
            options.words_.push_back(std::move(word));
            continue;
        }
        std::optional<std::string> value;
        if (const auto equals = word.find('='); equals != word.npos) {
            value = word.substr(equals + 1);
            word.resize(equals);
        }
        const Flag* flag = find_flag(usage, word);
        if (!flag) return HostError{"unknown option " + word + "; see " + usage.synopsis.substr(0, usage.synopsis.find(" [")) + " --help"};
        if (flag->value.empty()) {
            if (value) return HostError{word + " takes no value"};
            options.values_[word] = {""};
            continue;
        }
        if (!value) {
            if (++i == words.size()) return HostError{word + " needs a value: " + word + " " + flag->value};
            value = words[i];
        }
        options.values_[word].push_back(*value);
    }
    return options;
}

std::string Options::get(const std::string& flag, const std::string& fallback) const
{
    const auto found = values_.find(flag);
    return found == values_.end() ? fallback : found->second.back();
}

std::vector<std::string> Options::all(const std::string& flag) const
{
    const auto found = values_.find(flag);
    return found == values_.end() ? std::vector<std::string>() : found->second;
}

HostResult<long> Options::number(const std::string& flag, long fallback, long least, long most) const
{
    if (!has(flag)) return fallback;
    const std::string text = get(flag);
    const auto value = parse_number<long>(text);
    if (!value || *value < least || *value > most)
        return HostError{fmt::format("{} must be a number from {} to {}, not '{}'", flag, least, most, text)};
    return *value;
}

HostResult<Milliseconds> Options::duration(const std::string& flag, const std::string& fallback) const
{
    const std::string text = get(flag, fallback);
    if (text == "never") return Milliseconds(0);
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const std::string unit(end, text.data() + text.size());
    const std::int64_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    if (error != std::errc{} || seconds == 0 || count < 1 || count > 1'000'000)
        return HostError{flag + " must be a time such as 30s, 10m or 2h, or never, not '" + text + "'"};
    return Milliseconds(count * seconds * 1000);
}

std::string Options::data_directory() const
{
    const char* environment = std::getenv("BOXSHIP_DATA");
    const std::string path = get("--data", environment && *environment ? environment : "/var/lib/boxship");
    return std::filesystem::absolute(path).lexically_normal().string();
}

void print_help(const Usage& usage)
{
    fmt::print("{}\n\n    {}\n", usage.summary, usage.synopsis);
    const auto print_flags = [](const std::vector<Flag>& flags) {
        for (const auto& flag : flags) fmt::print("    {:<24} {}\n", flag.name + (flag.value.empty() ? "" : " " + flag.value), flag.help);
    };
    fmt::print("\n");
    print_flags(usage.flags);
    print_flags(common_flags());
    if (!usage.examples.empty()) fmt::print("\nExamples:\n");
    for (const auto& example : usage.examples) fmt::print("    {}\n", example);
}

}  // namespace boxship::bin
