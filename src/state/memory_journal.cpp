#include "state/journal.h"

#include "base/check.h"

namespace boxship::state {
namespace {

class MemoryJournal : public Journal {
public:
    MemoryJournal(std::shared_ptr<MemoryJournalData> data, env::Executor& state_executor)
        : data_(std::move(data)), state_executor_(state_executor)
    {
        weigh();
    }

    HostResult<> load(const RowVisitor& row, const GroupVisitor& group) override
    {
        RETURN_IF_ERROR(visit_operations(data_->checkpoint, [&](std::uint8_t table, bool, std::string_view key, std::string_view bytes) {
            return row(table, key, bytes);
        }));
        for (const auto& blob : data_->groups) RETURN_IF_ERROR(group(blob));
        return {};
    }
    void append(std::string blob, std::function<void(HostResult<>)> done) override
    {
        tail_bytes_ += blob.size();
        data_->groups.push_back(std::move(blob));
        state_executor_.post([done = std::move(done)] { done({}); });
    }
    void begin_checkpoint() override
    {
        begun_ = true;
        slices_.clear();
        covered_ = data_->groups.size();
    }
    void add_slice(std::string operations) override { slices_ += operations; }
    void finish_checkpoint(std::function<void(HostResult<>)> done) override
    {
        CHECK(begun_);
        begun_ = false;
        data_->checkpoint = std::move(slices_);
        data_->groups.erase(data_->groups.begin(), data_->groups.begin() + static_cast<std::ptrdiff_t>(covered_));
        weigh();
        state_executor_.post([done = std::move(done)] { done({}); });
    }
    std::uint64_t tail_bytes() const override { return tail_bytes_; }

private:
    void weigh()
    {
        tail_bytes_ = 0;
        for (const auto& blob : data_->groups) tail_bytes_ += blob.size();
    }

    std::shared_ptr<MemoryJournalData> data_;
    env::Executor& state_executor_;
    std::string slices_;
    bool begun_ = false;
    std::size_t covered_ = 0;
    std::uint64_t tail_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Journal> make_memory_journal(std::shared_ptr<MemoryJournalData> data, env::Executor& state_executor)
{
    return std::make_unique<MemoryJournal>(std::move(data), state_executor);
}

}  // namespace boxship::state
