package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/history"
)

// findLockTimeoutPlace returns where a tree limits the waits of a source's runner, unless the
// configuration says it. Django's adapter reads the project's settings.
func findLockTimeoutPlace(t adapter.Tree, s adapter.Source) *history.Place {
	if traits := all.Traits(s.Framework); traits.Renders && !traits.NeedsCommand || s.Options.Runner.LockTimeout > 0 {
		return nil
	}
	return &history.Place{Find: func() string { return adapter.LockTimeoutAt(t) }}
}
