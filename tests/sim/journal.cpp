#include "sim/journal.h"

#include "base/mutant.h"

namespace boxship::sim {
namespace {

class Journal : public state::Journal {
public:
    explicit Journal(JournalWays ways) : ways_(std::move(ways)) {}

    HostResult<> load(const RowVisitor& row, const GroupVisitor& group) override
    {
        Disk& disk = ways_.disk;
        fence_ = ++disk.fence;
        RETURN_IF_ERROR(state::visit_operations(disk.checkpoint, [&](std::uint8_t table, bool, std::string_view key, std::string_view bytes) {
            return row(table, key, bytes);
        }));
        for (const auto& blob : disk.groups) {
            RETURN_IF_ERROR(group(blob));
            tail_bytes_ += blob.size();
        }
        return {};
    }

    void append(std::string blob, std::function<void(HostResult<>)> done) override
    {
        tail_bytes_ += blob.size();
        later([this, blob = std::move(blob), done = std::move(done)] {
            if (ways_.disk.fence != fence_) return ways_.die("another server has taken over");
            // Rows of a group that fails while a checkpoint is taken may be in its slices.
            if (ways_.stage.unlucky("journal: fails", begun_ ? 20 : 60)) {
                ++failures_;
                return answer(done, HostError{"the disk is full"}, true);
            }
            const bool unknown = ways_.stage.unlucky("journal: outcome unknown", 500);
            if (!unknown || ways_.stage.random.chance(2)) {
                ways_.disk.groups.push_back(blob);
                ways_.durable(blob);
            }
            if (unknown) return ways_.die("the disk failed to sync");
            answer(done, {}, false);
        });
    }

    void begin_checkpoint() override
    {
        bytes_before_checkpoint_ = tail_bytes_;
        later([this, known = failures_known_] {
            covered_ = ways_.disk.groups_before + ways_.disk.groups.size();
            slices_.clear();
            begun_ = true;
            failures_at_begin_ = known;
        });
    }
    void add_slice(std::string operations) override
    {
        later([this, operations = std::move(operations)] { slices_ += operations; });
    }
    void finish_checkpoint(std::function<void(HostResult<>)> done) override
    {
        later([this, done = std::move(done)] {
            Disk& disk = ways_.disk;
            HostResult<> outcome;
            if (disk.fence != fence_) return ways_.die("another server has taken over");
            if (!std::exchange(begun_, false)) return ways_.stage.fail(8, "a checkpoint is finished twice: the second holds nothing");
            const bool spoilt = failures_ != failures_at_begin_ && !mutant("journal: a failed group's rows in a checkpoint");
            if (spoilt || ways_.stage.unlucky("journal: checkpoint fails", 4)) {
                outcome = HostError{"a slice could not be written"};
            } else {
                ++ways_.stage.taken["journal: checkpoint"];
                disk.checkpoint = slices_;
                disk.groups.erase(disk.groups.begin(), disk.groups.begin() + static_cast<std::ptrdiff_t>(covered_ - disk.groups_before));
                disk.groups_before = covered_;
            }
            ways_.state.post([this, done, outcome] {
                tail_bytes_ -= bytes_before_checkpoint_;
                done(outcome);
            });
        });
    }
    std::uint64_t tail_bytes() const override { return tail_bytes_; }

private:
    // One after the other, each in its time.
    void later(std::function<void()> work)
    {
        Stage& stage = ways_.stage;
        const Milliseconds time = stage.unlucky("journal: slow", 50) ? stage.random.between(Milliseconds(100), Milliseconds(4000))
                                                                    : stage.random.between(Milliseconds(0), Milliseconds(3));
        busy_until_ = std::max(busy_until_, stage.timeline.now()) + time;
        ways_.writer.post_after(busy_until_ - stage.timeline.now(), std::move(work));
    }
    void answer(std::function<void(HostResult<>)> done, HostResult<> outcome, bool failed)
    {
        ways_.state.post([this, done = std::move(done), outcome = std::move(outcome), failed] {
            if (failed) ++failures_known_;
            done(outcome);
        });
    }

    JournalWays ways_;
    std::int64_t fence_ = 0;
    Time busy_until_;
    std::uint64_t tail_bytes_ = 0;
    std::uint64_t bytes_before_checkpoint_ = 0;
    std::size_t covered_ = 0;
    std::string slices_;
    bool begun_ = false;                 // a checkpoint, which is not finished
    std::uint64_t failures_ = 0;            // of appends, as the writer counts
    std::uint64_t failures_known_ = 0;      // of these the state has heard
    std::uint64_t failures_at_begin_ = 0;
};

}  // namespace

std::unique_ptr<state::Journal> make_journal(JournalWays ways) { return std::make_unique<Journal>(std::move(ways)); }

}  // namespace boxship::sim
