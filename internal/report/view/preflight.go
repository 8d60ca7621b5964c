package view

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// DescribeTarget returns the checked database, and the purpose of the check.
func DescribeTarget(r *onward.Preflight) (left, right string) {
	right = "Postgres " + escape.Line(r.Postgres) + " · role " + escape.Line(r.Role)
	if r.Release != "" {
		right = escape.Line(r.Release) + " · " + right
	}
	return "database " + escape.Line(r.Database), right
}

// CountChecks is the summary in a line: "27 checks: 1 error, 2 warnings, 3 not seen".
func CountChecks(r *onward.Preflight) string {
	s := &r.Summary
	parts := countFindings(&onward.Summary{Errors: s.Errors, Warnings: s.Warnings, Infos: s.Infos})
	if s.Opaque > 0 {
		parts = append(parts, fmt.Sprintf("%d not seen", s.Opaque))
	}
	if len(parts) == 0 {
		parts = []string{"nothing found"}
	}
	return prose.CountNoun(s.Checks, "check") + ": " + strings.Join(parts, ", ")
}
