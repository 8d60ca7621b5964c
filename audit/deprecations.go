package audit

import (
	"context"

	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

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
	defer func() { _ = r.Close() }()
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
