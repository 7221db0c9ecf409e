// What came of a call to the control plane.
#pragma once

#include <string>

#include "base/result.h"

namespace boxship::agent {

struct CallError {
    int status = 0;           // 0: the control plane was not reached, or what came is no answer
    std::string code;         // "ClientException"
    std::string message;

    // Worth another try with the same words: not reached, busy, starting.
    bool transient() const
    {
        return status == 0 || status >= 500 || status == 429 || code == "ThrottlingException" || code == "LimitExceededException";
    }
    std::string text() const { return code.empty() ? message : code + ": " + message; }
};
template <class T = void>
using CallOutcome = Outcome<T, CallError>;

}  // namespace boxship::agent
