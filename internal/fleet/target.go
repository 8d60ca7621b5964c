// Package fleet runs one release on many targets: databases, or schemas of a database. It works in waves, stops if too many
// targets fail, and records each target in that target's database. After a kill the same call continues.
package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Target is a database, or a schema of a database.
type Target struct {
	// Name is unique in its source.
	Name string
	// Address may contain a password, so it is never printed or stored.
	Address string
	// Schema is "" if the whole database is the target.
	Schema string
	// Labels are the user's. A target with the label canary=true belongs to the first wave.
	Labels map[string]string

	// readAddress reads the address again, after a changed password; nil if the address is a plain text.
	readAddress func(ctx context.Context) (string, error)

	database  *database // nil until it was identified
	schemaOID uint32
	problem   error // why it could not be identified
	// place is the line of the file that lists the target: "targets.txt:2", or its own file; "" if no file does. missing: the target did not
	// exist when the release began.
	place   string
	missing bool
}

// databaseName returns HOST:PORT/NAME of an address.
func databaseName(text string) (string, error) {
	cfg, err := pgconn.ParseConfig(text)
	if err != nil {
		return "", &address.Error{}
	}
	return fmt.Sprintf("%s:%d/%s", cfg.Host, cfg.Port, cfg.Database), nil
}

// SearchPath returns the search_path of a target, from a template such as "{schema}, public"; "" for a whole database.
func (t *Target) SearchPath(template string) string {
	if t.Schema == "" {
		return ""
	}
	if template == "" {
		template = "{schema}"
	}
	return strings.ReplaceAll(template, "{schema}", pgparse.QuoteIdent(t.Schema))
}

// isCanary reports whether a label puts the target into the first wave.
func (t *Target) isCanary() bool { return t.Labels["canary"] == "true" }

// checkUniqueNames returns an error if two targets have the same name.
func checkUniqueNames(list []*Target) error {
	seen := map[string]bool{}
	for _, t := range list {
		if seen[t.Name] {
			return newInputError("two targets have the name %q: give each a name of its own", t.Name)
		}
		seen[t.Name] = true
	}
	return nil
}

// SelectTargets returns the targets with these names, and those with these labels (KEY=VALUE). Without names and labels it
// returns all.
func SelectTargets(list []*Target, names, labels []string) ([]*Target, error) {
	for _, name := range names {
		if !slices.ContainsFunc(list, func(t *Target) bool { return t.Name == name }) {
			return nil, newInputError("no target has the name %q", name)
		}
	}
	var out []*Target
	for _, t := range list {
		if (len(names) == 0 || slices.Contains(names, t.Name)) && t.hasLabels(labels) {
			out = append(out, t)
		}
	}
	return out, nil
}

func (t *Target) hasLabels(labels []string) bool {
	for _, l := range labels {
		key, value, _ := strings.Cut(l, "=")
		if got, ok := t.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

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
