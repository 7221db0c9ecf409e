#include "page.h"

#include <cstdint>
#include <cstdio>

#include "json.h"

namespace hello {
namespace {

std::string escaped(const std::string& text)
{
    std::string html;
    for (const char c : text) {
        switch (c) {
        case '&': html += "&amp;"; break;
        case '<': html += "&lt;"; break;
        case '>': html += "&gt;"; break;
        case '"': html += "&quot;"; break;
        default: html += c;
        }
    }
    return html;
}

std::string duration(long seconds)
{
    char text[64];
    if (seconds < 60) std::snprintf(text, sizeof text, "%ld s", seconds);
    else if (seconds < 3600) std::snprintf(text, sizeof text, "%ld min %ld s", seconds / 60, seconds % 60);
    else if (seconds < 86400) std::snprintf(text, sizeof text, "%ld h %ld min", seconds / 3600, seconds / 60 % 60);
    else std::snprintf(text, sizeof text, "%ld d %ld h", seconds / 86400, seconds / 3600 % 24);
    return text;
}

// A colour per task: behind a load balancer one sees at a glance who answered.
unsigned hue_of(const std::string& text)
{
    std::uint32_t hash = 2166136261;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    return hash % 360;
}

std::string row(const std::string& label, const std::string& value)
{
    return "<dt>" + escaped(label) + "</dt><dd>" + escaped(value) + "</dd>\n";
}

constexpr char style[] = R"(
:root { color-scheme: light dark; --accent: hsl(var(--hue) 60% 42%); --card: #fff; --ground: hsl(var(--hue) 35% 95%); --ink: #1c2330; --soft: #667085 }
@media (prefers-color-scheme: dark) { :root { --accent: hsl(var(--hue) 65% 68%); --card: #1b212b; --ground: #12161d; --ink: #e6eaf0; --soft: #98a2b3 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--ground); color: var(--ink);
       font: 1rem/1.5 system-ui, sans-serif }
main { width: 100%; max-width: 44rem; background: var(--card); border-radius: 1rem; border-top: .5rem solid var(--accent);
       padding: clamp(1rem, 4vw, 2.25rem); box-shadow: 0 .5rem 2rem #0002 }
h1 { margin: 0; font-size: clamp(1.5rem, 6vw, 2.25rem); line-height: 1.2 }
p { margin: .5rem 0 1.5rem; color: var(--soft) }
dl { margin: 0; display: grid; grid-template-columns: minmax(8rem, max-content) 1fr; gap: .6rem 1.5rem }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .9375rem }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .75rem } }
)";

}  // namespace

std::string html_page(const Facts& facts)
{
    const std::string task = facts.value("taskArn");
    const std::string id = task.substr(task.rfind('/') + 1);
    std::string page = "<!doctype html>\n<html lang=\"en\" style=\"--hue: " + std::to_string(hue_of(task)) +
                       "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<title>Hello</title>\n<style>";
    page += style;
    page += "</style>\n</head>\n<body>\n<main>\n<h1>Hello</h1>\n";
    if (facts.known()) page += "<p>from task " + escaped(id.substr(0, 8)) + "</p>\n";
    else if (facts.under_ecs()) page += "<p>The task metadata endpoint has not answered yet.</p>\n";
    else page += "<p>This container is not running under ECS.</p>\n";
    page += "<dl>\n";
    for (const Fact& fact : facts.list()) page += row(fact.label, fact.value);
    page += row("Running for", duration(facts.uptime_seconds()));
    page += "</dl>\n</main>\n</body>\n</html>\n";
    return page;
}

std::string json_page(const Facts& facts)
{
    std::string json = "{\"underEcs\":" + std::string(facts.under_ecs() ? "true" : "false");
    for (const Fact& fact : facts.list()) json += "," + json_quoted(fact.key) + ":" + json_quoted(fact.value);
    return json + ",\"uptimeSeconds\":" + std::to_string(facts.uptime_seconds()) + "}\n";
}

}  // namespace hello
