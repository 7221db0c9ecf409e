// What clients ask to be run: how it is defined, and how it is started. What hosts do with a container follows from its
// image's name (host.cpp).
#pragma once

#include <string>
#include <string_view>

namespace boxship::sim {

enum class Shape { bridge, vpc, fargate };      // an EC2 task on its host's network, or with an interface; a Fargate task
enum class Fate {
    lasts,      // runs until it is stopped, once it has started
    ends,       // runs, and ends by itself: as a service it is never at rest
    fails       // never runs, or is never healthy
};
struct Kind {
    const char* family;
    const char* definition;
    Shape shape;
    Fate fate;
    const char* launch_type() const { return shape == Shape::fargate ? "FARGATE" : "EC2"; }
    bool network() const { return shape != Shape::bridge; }
};
inline constexpr Kind kinds[] = {
    {"web", R"({"family":"web","containerDefinitions":[{"name":"web","image":"web:1","memory":256,"portMappings":[{"containerPort":80,"hostPort":8080}]}]})", Shape::bridge, Fate::lasts},
    {"dynamic", R"({"family":"dynamic","taskRoleArn":"arn:aws:iam::000000000000:role/app","containerDefinitions":[{"name":"web","image":"web:1","memory":128,"portMappings":[{"containerPort":80}]},{"name":"side","image":"side:1","memory":64,"essential":false}]})", Shape::bridge, Fate::lasts},
    {"job", R"({"family":"job","networkMode":"none","containerDefinitions":[{"name":"setup","image":"job:1","memory":64,"essential":false},{"name":"job","image":"job:2","memory":128}]})", Shape::bridge, Fate::ends},
    {"vpc", R"({"family":"vpc","networkMode":"awsvpc","taskRoleArn":"arn:aws:iam::000000000000:role/app","containerDefinitions":[{"name":"app","image":"app:1","memory":128,"portMappings":[{"containerPort":80}]}]})", Shape::vpc, Fate::lasts},
    {"far", R"({"family":"far","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512","taskRoleArn":"arn:aws:iam::000000000000:role/app","containerDefinitions":[{"name":"app","image":"app:1","portMappings":[{"containerPort":80}]}]})", Shape::fargate, Fate::lasts},
    {"farjob", R"({"family":"farjob","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512","containerDefinitions":[{"name":"app","image":"job:1","portMappings":[{"containerPort":80}]}]})", Shape::fargate, Fate::ends},
    {"missing", R"({"family":"missing","containerDefinitions":[{"name":"web","image":"missing:1","memory":64}]})", Shape::bridge, Fate::fails},
    {"crash", R"({"family":"crash","networkMode":"host","containerDefinitions":[{"name":"web","image":"crash:1","memory":64}]})", Shape::bridge, Fate::fails},
    {"oom", R"({"family":"oom","containerDefinitions":[{"name":"web","image":"oom:1","memory":64},{"name":"side","image":"side:1","memory":64}]})", Shape::bridge, Fate::ends},
    {"stubborn", R"({"family":"stubborn","containerDefinitions":[{"name":"web","image":"stubborn:1","memory":64,"stopTimeout":20}]})", Shape::bridge, Fate::lasts},
    {"pair", R"({"family":"pair","containerDefinitions":[{"name":"web","image":"web:1","memory":64},{"name":"late","image":"late:1","memory":64}]})", Shape::bridge, Fate::lasts},
    {"checked", R"({"family":"checked","containerDefinitions":[{"name":"web","image":"web:1","memory":64,"healthCheck":{"command":["CMD","/check"],"interval":5,"retries":2}}]})", Shape::bridge, Fate::lasts},
    {"sick", R"({"family":"sick","containerDefinitions":[{"name":"web","image":"sick:1","memory":64,"healthCheck":{"command":["CMD","/check"],"interval":5,"retries":1}}]})", Shape::bridge, Fate::fails},
    {"sometimes", R"({"family":"sometimes","containerDefinitions":[{"name":"web","image":"sometimes:1","memory":64}]})", Shape::bridge, Fate::lasts},
    {"faroff", R"({"family":"faroff","networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":"512","containerDefinitions":[{"name":"app","image":"missing:1","portMappings":[{"containerPort":80}]}]})", Shape::fargate, Fate::fails},
    {"vpcoff", R"({"family":"vpcoff","networkMode":"awsvpc","containerDefinitions":[{"name":"app","image":"crash:1","memory":64,"portMappings":[{"containerPort":80}]}]})", Shape::vpc, Fate::fails},
};

inline const Kind* kind_of(std::string_view family)
{
    for (const Kind& kind : kinds)
        if (kind.family == family) return &kind;
    return nullptr;
}

// Of ".../family:revision".
inline std::string family_of(std::string_view definition_arn)
{
    definition_arn.remove_prefix(definition_arn.rfind('/') + 1);
    return std::string(definition_arn.substr(0, definition_arn.rfind(':')));
}

}  // namespace boxship::sim
