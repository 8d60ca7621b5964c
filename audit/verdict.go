package audit

import (
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/onward"
)

// Conclude counts the findings of a report, and derives the verdicts of its migrations
// and of the release. It can be called again after findings were added.
func Conclude(r *onward.Report) { verdict.Conclude(r) }
