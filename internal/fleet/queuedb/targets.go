package queuedb

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// targetList is the worker's own list of targets. The queue has names only: whoever can write to it cannot choose the addresses that a
// worker connects to.
type targetList struct {
	source fleet.Source

	mu     sync.Mutex
	byName map[string]*fleet.Target
	read   time.Time
}

// The list is read again after listAge. For an unknown name, a file is read again after listPause, because its commands may be slow; a
// database is always asked.
const (
	listAge   = time.Hour
	listPause = time.Minute
)

// findTarget returns a copy of a target; nil if no target has the name.
func (l *targetList) findTarget(ctx context.Context, name string) (*fleet.Target, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, age := l.byName[name], time.Since(l.read)
	if l.byName == nil || age > listAge || t == nil && (age > listPause || l.source.NeedsDatabase()) {
		_, err := l.readList(ctx)
		if err != nil && t == nil {
			return nil, err
		}
		t = l.byName[name]
	}
	if t == nil {
		return nil, nil
	}
	out := *t
	return &out, nil
}

// readList reads the list. l.mu is held.
func (l *targetList) readList(ctx context.Context) ([]*fleet.Target, error) {
	l.read = time.Now()
	list, err := fleet.ListTargets(ctx, l.source)
	if err != nil {
		return nil, err
	}
	l.byName = map[string]*fleet.Target{}
	for _, t := range list {
		l.byName[t.Name] = t
	}
	return list, nil
}

// listNew returns the targets whose names are not known.
func (l *targetList) listNew(ctx context.Context, known []string) ([]*fleet.Target, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, err := l.readList(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(known)
	return slices.DeleteFunc(list, func(t *fleet.Target) bool {
		_, found := slices.BinarySearch(known, t.Name)
		return found
	}), nil
}

// missingState is the state of a target that is not in the list. A database lists its schemas itself, so a schema without a line was
// dropped. A file may be an old one.
func (l *targetList) missingState(s *Settings) onward.RolloutState {
	if l.source.NeedsDatabase() && s.Source == l.source.Text {
		return onward.RolloutGone
	}
	return onward.RolloutUnreachable
}
