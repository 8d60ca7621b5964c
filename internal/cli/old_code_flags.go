package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
)

// oldCodeFlags are the flags that say how a contract checks whether old code still runs.
type oldCodeFlags struct {
	gone   string
	window time.Duration
}

func (f *oldCodeFlags) addOldCodeFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.gone, "old-code-is-gone", "", "contract although something says that code of the old release still runs, for this `reason`: "+
		"onward log keeps it; contract needs --release with it, too")
	flags.DurationVar(&f.window, "statement-window", apply.DefaultWindow, "the `time` between two samples of pg_stat_statements before a contract; 0 takes none")
}

// readOldCodeEvidence reads them.
func (f *oldCodeFlags) readOldCodeEvidence() (*apply.Evidence, error) {
	if f.window < 0 || f.window > 24*time.Hour {
		return nil, newUsageError("--statement-window %s: write a time of up to 24h, or 0", f.window)
	}
	return &apply.Evidence{GoneBecause: strings.TrimSpace(f.gone), Window: limitOrOff(f.window)}, nil
}
