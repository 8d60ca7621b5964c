package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// recordingEnds are the ends of recordings' names, the longest first.
var recordingEnds = []string{".workload.json.gz", ".workload.json", ".json.gz", ".json"}

// consumerOf returns the name of the program whose queries a file of a directory has: billing for billing.workload.json.gz.
// ok is false for a file that is no recording.
func consumerOf(file string) (name string, ok bool) {
	for _, end := range recordingEnds {
		if name, ok = strings.CutSuffix(file, end); ok {
			return name, name != "" && !strings.HasPrefix(name, ".")
		}
	}
	return "", false
}

// readConsumers reads a directory with one recording for each program that uses the database, and merges them.
func readConsumers(dir string) (*Workload, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("read the recordings: %w", err)}
	}
	var list []*Workload
	for _, e := range entries {
		name, ok := consumerOf(e.Name())
		if !ok || e.IsDir() {
			continue
		}
		load, err := ReadWorkload(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		load.NameConsumer(name)
		list = append(list, load)
	}
	if len(list) == 0 {
		return nil, &config.InputError{Err: errors.New(dir + ": no recording is in this directory (NAME.workload.json.gz, NAME.json)")}
	}
	load, err := workload.MergeAll(list...)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("%s: %w", dir, err)}
	}
	return load, nil
}

// usesByConsumer lists who uses a deprecated column: the consumers of a recording, those with the most calls first. A
// query whose consumer is not known counts for "".
func usesByConsumer(queries []*workload.Query) []onward.DeprecatedUse {
	byName := map[string]*onward.DeprecatedUse{}
	most := map[string]int64{}
	for _, q := range queries {
		calls := q.Consumers()
		if calls == nil {
			calls = map[string]int64{"": q.Calls}
		}
		for name, n := range calls {
			u := byName[name]
			if u == nil {
				u = &onward.DeprecatedUse{Consumer: name}
				byName[name], most[name] = u, -1
			}
			u.Queries++
			u.Calls += n
			if n > most[name] {
				most[name] = n
				u.SQL, u.Sender = q.SQL, workload.DescribeSenders(slices.DeleteFunc(slices.Clone(q.Senders), func(s workload.Sender) bool { return s.Consumer != name }))
			}
		}
	}
	out := []onward.DeprecatedUse{}
	for _, u := range byName {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b onward.DeprecatedUse) int {
		if a.Calls != b.Calls {
			return int(max(-1, min(1, b.Calls-a.Calls)))
		}
		return strings.Compare(a.Consumer, b.Consumer)
	})
	return out
}

// Recordings returns the files of recorded queries that the caller names, or else those in
// the settings.
func (c *Config) Recordings() []string {
	paths := c.Workload
	if len(paths) == 0 && c.Settings != nil {
		for _, p := range c.Settings.Workload {
			paths = append(paths, c.Settings.Resolve(p))
		}
	}
	return paths
}

// readRecordings reads the recordings of the deployed code.
func (a *changelog) readRecordings() ([]*deployed.Recording, error) {
	var out []*deployed.Recording
	for _, p := range a.Recordings() {
		load, err := ReadWorkload(p)
		if err != nil {
			return nil, err
		}
		out = append(out, &deployed.Recording{Path: displayPath(p), Queries: load})
	}
	return out, nil
}

// Workload is a recording of a code's queries.
type Workload = workload.Workload

// ReadWorkload reads a recording, packed or not, that onward record wrote. Of a directory, it reads all recordings and
// merges them: each is of one consumer of the database, and its file is named after it.
func ReadWorkload(path string) (*Workload, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return readConsumers(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("read the recording: %w", err)}
	}
	defer f.Close()
	load, err := workload.Read(f)
	if err != nil {
		return nil, &config.InputError{Err: fmt.Errorf("%s: %w", path, err)}
	}
	return load, nil
}

// displayPath returns a file's name for reports: without the directories of this machine.
func displayPath(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Base(path)
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// Deprecations reads the deployed schema, without a release, and returns its deprecated columns with their use in the
// recordings that the configuration names. recorded is false if it names none.
func Deprecations(ctx context.Context, c Config) (list []onward.DeprecatedColumn, recorded bool, err error) {
	loads, err := ReadWorkloads(c.Recordings())
	if err != nil {
		return nil, false, err
	}
	load, err := workload.MergeAll(loads...)
	if err != nil {
		return nil, false, err
	}
	r, err := Read(ctx, c)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	if _, err := r.Audit(); err != nil {
		return nil, false, err
	}
	return r.Deprecations(load), len(loads) > 0, nil
}

// ReadWorkloads reads recordings: files, or directories of them.
func ReadWorkloads(paths []string) ([]*Workload, error) {
	var out []*Workload
	for _, name := range paths {
		load, err := ReadWorkload(name)
		if err != nil {
			return nil, err
		}
		out = append(out, load)
	}
	return out, nil
}
