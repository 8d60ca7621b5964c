package fleet

import (
	"context"
	"slices"
	"sync"
	"time"
)

// TargetList caches a list of targets, because the commands that return their addresses may be slow.
type TargetList struct {
	// List lists the targets.
	List func(ctx context.Context) ([]*Target, error)
	// Fresh: the list is a query on a database, which runs again for each unknown name. A file is read again after listPause.
	Fresh bool

	mu     sync.Mutex
	all    []*Target
	byName map[string]*Target
	read   time.Time // when the list was read
}

// The list is read again after listAge, and for an unknown name after listPause.
const (
	listAge   = time.Hour
	listPause = time.Minute
)

// FindTarget returns a copy of a target; nil if no target has the name.
func (l *TargetList) FindTarget(ctx context.Context, name string) (*Target, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t, age := l.byName[name], time.Since(l.read)
	if l.byName == nil || age > listAge || t == nil && (age > listPause || l.Fresh) {
		err := l.readList(ctx)
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

// CopyAll returns copies of all targets, from a list that was read a minute ago at most.
func (l *TargetList) CopyAll(ctx context.Context) (out []*Target, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byName == nil || l.Fresh || time.Since(l.read) > listPause {
		if err := l.readList(ctx); err != nil {
			return nil, err
		}
	}
	for _, t := range l.all {
		next := *t
		out = append(out, &next)
	}
	return out, nil
}

// ListNew returns the targets whose names are not known.
func (l *TargetList) ListNew(ctx context.Context, known []string) ([]*Target, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.readList(ctx); err != nil {
		return nil, err
	}
	slices.Sort(known)
	return slices.DeleteFunc(slices.Clone(l.all), func(t *Target) bool {
		_, found := slices.BinarySearch(known, t.Name)
		return found
	}), nil
}

// readList reads the list. l.mu is held.
func (l *TargetList) readList(ctx context.Context) error {
	l.read = time.Now()
	list, err := l.List(ctx)
	if err != nil {
		return err
	}
	l.all, l.byName = list, map[string]*Target{}
	for _, t := range list {
		l.byName[t.Name] = t
	}
	return nil
}
