package rehearse

import (
	"time"

	"github.com/onward-sql/onward/internal/fill"
)

// Progress is what a rehearsal does just now.
type Progress struct {
	// Phase is what it does: "fills the tables".
	Phase string
	// Table is the one that is filled, with Rows of Of; "" in other phases.
	Table    string
	Rows, Of int64
	// Left is for how long the tables will be filled; 0 where that is not known.
	Left time.Duration
}

// phase tells what is done from now on.
func (c *Config) phase(what string) {
	if c.Progress != nil {
		c.Progress(Progress{Phase: what})
	}
}

// filling hears how far the rows have come.
func (c *Config) filling(begun time.Time) func(fill.Progress) {
	if c.Progress == nil {
		return nil
	}
	return func(p fill.Progress) {
		out := Progress{Phase: "fills the tables", Table: p.Table, Rows: p.Rows, Of: p.Of}
		if p.Done > 0 && p.All > p.Done {
			out.Left = time.Duration(float64(time.Since(begun)) * float64(p.All-p.Done) / float64(p.Done))
		}
		c.Progress(out)
	}
}
