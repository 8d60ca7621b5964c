package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/config"
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
