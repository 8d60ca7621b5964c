package queuedb

import (
	"context"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// targetList is the worker's own list of targets. The queue has names only: whoever can write to it cannot choose the addresses that a
// worker connects to.
type targetList struct {
	fleet.TargetList
	source fleet.Source
}

func newTargetList(source fleet.Source) *targetList {
	return &targetList{source: source, TargetList: fleet.TargetList{
		List: func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, source) }, Fresh: source.NeedsDatabase(),
	}}
}

// missingState is the state of a target that is not in the list. A database lists its schemas itself, so a schema without a line was
// dropped. A file may be an old one.
func (l *targetList) missingState(s *Settings) onward.RolloutState {
	if l.Fresh && s.Source == l.source.Text {
		return onward.RolloutGone
	}
	return onward.RolloutUnreachable
}
