package rehearse

import (
	"time"

	"github.com/onward-sql/onward/internal/fill"
)

// Progress is the current activity of a rehearsal.
type Progress struct {
	// Phase is the activity: "fills the tables".
	Phase string
	// Table is the table being filled, with Rows of Of rows done; "" in other
	// phases.
	Table    string
	Rows, Of int64
	// Left is the estimated time until the tables are filled; 0 if unknown.
	Left time.Duration
}

// reportPhase reports the next activity.
func (c *Config) reportPhase(phase string) {
	if c.Progress != nil {
		c.Progress(Progress{Phase: phase})
	}
}

// fillProgress returns a function that reports the progress of the rows.
func (c *Config) fillProgress(start time.Time) func(fill.Progress) {
	if c.Progress == nil {
		return nil
	}
	return func(p fill.Progress) {
		out := Progress{Phase: "fills the tables", Table: p.Table, Rows: p.Rows, Of: p.Of}
		if p.Done > 0 && p.All > p.Done {
			out.Left = time.Duration(float64(time.Since(start)) * float64(p.All-p.Done) / float64(p.Done))
		}
		c.Progress(out)
	}
}
