package django

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/adapter"
)

// Limits of replacing modules that a revision imports and the interpreter lacks.
const (
	maxStandIns    = 24
	standInTimeout = 2 * time.Minute
)

var _ adapter.Modeler = (*Adapter)(nil)

// Models reads the models of a revision that could not be loaded because of an import.
// Each missing package, or name in a package, is replaced by a stub that accepts every
// use. The models lack what they get from such a package.
func (a *Adapter) Models(ctx context.Context, t adapter.Tree, s adapter.Source, cause error) (models []adapter.Model, missingModules []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, standInTimeout)
	defer cancel()
	cfg, err := a.newRenderConfig(ctx, t, s)
	if err != nil {
		return nil, nil, err
	}
	for err = cause; ; {
		failed, ok := errors.AsType[*Error](err)
		if !ok || failed.Missing == "" || slices.Contains(missingModules, failed.Missing) || len(missingModules) == maxStandIns {
			return nil, nil, err
		}
		missingModules = append(missingModules, failed.Missing)
		cfg.standIn = missingModules
		var project *Project
		if project, err = Render(ctx, cfg); err == nil {
			return project.tableModels(), formatMissing(missingModules), nil
		}
	}
}

// formatMissing formats "package.module:name" for people.
func formatMissing(missing []string) []string {
	out := make([]string, len(missing))
	for i, m := range missing {
		out[i] = m
		if module, name, ok := strings.Cut(m, ":"); ok {
			out[i] = name + " of " + module
		}
	}
	return out
}
