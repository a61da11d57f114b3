// What a transaction did to a text, as a delta. The steps are those of YTextEvent.delta, in its
// order: which operations come out, and which marks turn out to be useless, depends on it.
#include "engine/codec/wtf8.h"
#include "engine/crdt/edit/change_view.h"
#include "engine/crdt/edit/format.h"
#include "engine/crdt/edit/integrate.h"
#include "engine/crdt/edit/value.h"

namespace diaryx::crdt {
namespace {

class TextDelta {
 public:
  TextDelta(State& state, std::uint64_t transaction)
      : state_(state), changes_(state, transaction) {}

  std::vector<DeltaOp> run(BranchIx branch) {
    for (ItemIx ix = state_.branches[branch].start; ix != kNone; ix = state_.items[ix].right) {
      const Item& item = state_.items[ix];
      switch (item.kind) {
        case Kind::String:
          pass_text(item);
          break;
        case Kind::Type:
        case Kind::Embed:
          pass_embed(ix);
          break;
        case Kind::Format:
          pass_format(ix);
          break;
        default:
          break;
      }
    }
    finish_op();
    while (!delta_.empty() && delta_.back().kind == DeltaOp::Kind::Retain &&
           delta_.back().attributes.empty()) {
      delta_.pop_back();
    }
    return std::move(delta_);
  }

 private:
  enum class Action : std::uint8_t { None, Insert, Retain, Delete };

  void begin_op(Action action) {
    if (action_ == action) return;
    finish_op();
    action_ = action;
  }

  void finish_op() {
    switch (std::exchange(action_, Action::None)) {
      case Action::Insert:
        if (!text_.empty()) {
          delta_.push_back(
              {DeltaOp::Kind::Insert, std::exchange(text_, {}), 0, make_object(state_, current_)});
        }
        break;
      case Action::Retain:
        if (length_ > 0) {
          delta_.push_back({DeltaOp::Kind::Retain, {}, length_, make_object(state_, attributes_)});
        }
        break;
      case Action::Delete:
        if (length_ > 0) delta_.push_back({DeltaOp::Kind::Delete, {}, length_});
        break;
      case Action::None:
        break;
    }
    length_ = 0;
  }

  // Units that were there before.
  void pass_units(const Item& item, std::uint64_t old) {
    if (old == 0) return;
    if (changes_.deletes(item)) {
      begin_op(Action::Delete);
      length_ += old;
    } else if (!item.deleted()) {
      begin_op(Action::Retain);
      length_ += old;
    }
  }

  void pass_text(const Item& item) {
    const std::uint64_t old = changes_.old_units(item);
    pass_units(item, old);
    if (old == item.length || item.deleted()) return;
    begin_op(Action::Insert);
    std::uint8_t flags = item.flags;
    std::string scratch;
    const std::string_view whole = content_text(state_.arena, item);
    codec::append_wtf8(text_, old == 0 ? whole : text_from(whole, flags, old, scratch));
  }

  void pass_embed(ItemIx ix) {
    const Item& item = state_.items[ix];
    if (!changes_.adds(item)) return pass_units(item, 1);
    if (item.deleted()) return;
    finish_op();
    DeltaOp op{DeltaOp::Kind::Insert, {}, 0, make_object(state_, current_)};
    const Value value = value_at(state_, ix, 0);
    if (const auto* type = std::get_if<TypeRef>(&value)) {
      op.insert = *type;
    } else {
      // Yjs tells of an embed that is an object or null, and of a string as if it were text; a
      // number or a truth value goes unsaid.
      const codec::Any& embed = std::get<codec::Any>(value);
      const auto* text = embed.get<std::string>();
      if (text != nullptr ? text->empty()
                          : embed.get<double>() != nullptr || embed.get<bool>() != nullptr ||
                                embed.get<codec::BigInt>() != nullptr || embed.is_undefined()) {
        return;
      }
      if (text != nullptr) {
        op.insert = *text;
      } else {
        op.insert = embed;
      }
    }
    delta_.push_back(std::move(op));
  }

  void pass_format(ItemIx ix) {
    const Item& item = state_.items[ix];
    const KeyIx key = key_of(item);
    const ValueIx value = value_of_mark(item);
    bool useless = false;
    if (changes_.adds(item)) {
      if (!item.deleted()) {
        if (!equal_values(state_, value_or_null(current_, key), value)) {
          if (action_ == Action::Retain) finish_op();
          if (equal_values(state_, value, value_or_null(old_, key))) {
            attributes_.remove(key);
          } else {
            attributes_.set(key, value);
          }
        } else {
          useless = !is_null(state_, value);
        }
      }
    } else if (changes_.deletes(item)) {
      old_.set(key, value);
      const ValueIx now = value_or_null(current_, key);
      if (!equal_values(state_, now, value)) {
        if (action_ == Action::Retain) finish_op();
        attributes_.set(key, now);
      }
    } else if (!item.deleted()) {
      old_.set(key, value);
      if (const Attribute* changed = attributes_.find(key)) {
        if (!equal_values(state_, changed->value, value)) {
          if (action_ == Action::Retain) finish_op();
          if (is_null(state_, value)) {
            attributes_.remove(key);
          } else {
            attributes_.set(key, value);
          }
        } else {
          useless = !is_null(state_, changed->value);
        }
      }
    }
    if (useless) {
      if (state_.options.clean_formats) delete_item(state_, ix);
    } else if (!item.deleted()) {
      if (action_ == Action::Insert) finish_op();
      pass_mark(state_, current_, item);
    }
  }

  State& state_;
  ChangeView changes_;
  std::vector<DeltaOp> delta_;
  AttributeList current_;     // What holds here now.
  AttributeList old_;         // What held here before.
  AttributeList attributes_;  // What a retained unit here got or lost.
  Action action_ = Action::None;
  std::string text_;
  std::uint64_t length_ = 0;
};

}  // namespace

std::vector<DeltaOp> compute_text_delta(State& state, std::uint64_t transaction, BranchIx branch) {
  std::optional<TransactionScope> scope;  // For the marks that are deleted.
  if (state.options.clean_formats) scope.emplace(state, 0, true);
  return TextDelta(state, transaction).run(branch);
}

}  // namespace diaryx::crdt
