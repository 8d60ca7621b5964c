package django

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
)

// Limits of standing in for what a revision imports and the interpreter has not.
const (
	maxStandIns    = 24
	standInTimeout = 2 * time.Minute
)

var _ adapter.Modeler = (*Adapter)(nil)

// Models reads the models of a revision that did not come up because of an
// import: each package, or name of one, that is missing is stood in for by
// something that takes whatever is done to it. What the models have of such a
// package, they lack.
func (a *Adapter) Models(ctx context.Context, t adapter.Tree, s adapter.Source, cause error) (models []adapter.Model, without []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, standInTimeout)
	defer cancel()
	cfg, err := a.config(ctx, t, s)
	if err != nil {
		return nil, nil, err
	}
	for err = cause; ; {
		failed, ok := errors.AsType[*Error](err)
		if !ok || failed.Missing == "" || slices.Contains(without, failed.Missing) || len(without) == maxStandIns {
			return nil, nil, err
		}
		without = append(without, failed.Missing)
		cfg.standIn = without
		var project *Project
		if project, err = Render(ctx, cfg); err == nil {
			return project.models(), readable(without), nil
		}
	}
}

// readable writes "package.module:name" for people.
func readable(missing []string) []string {
	out := make([]string, len(missing))
	for i, m := range missing {
		out[i] = m
		if module, name, ok := strings.Cut(m, ":"); ok {
			out[i] = name + " of " + module
		}
	}
	return out
}
