package view

import (
	"fmt"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// DescribeProgress describes the progress of a step that was started.
func DescribeProgress(s *onward.AppliedStep) string {
	words := ""
	add := func(format string, args ...any) {
		if words != "" {
			words += " · "
		}
		words += fmt.Sprintf(format, args...)
	}
	switch {
	case s.Rows > 0 && s.Of > s.Rows:
		add("%s of about %s", size.FormatCount(s.Rows), size.FormatCount(s.Of)+" rows")
	case s.Rows > 0:
		add("%s", prose.CountNoun(int(s.Rows), "row"))
	}
	if s.Verified != nil {
		add("compared, and right on %s", s.Verified.UTC().Format(time.DateTime))
	}
	if s.Quarantined > 0 {
		add("%d in quarantine: %s", s.Quarantined, escape.Line(s.Find))
	}
	if words := DescribeFailed(s); words != "" {
		add("%s", words)
	}
	if s.Attempts > 1 {
		add("%s", prose.CountNoun(s.Attempts, "attempt"))
	}
	if s.WaitedMS > 0 {
		add("others were in its way for %s", time.Duration(s.WaitedMS)*time.Millisecond)
	}
	if s.Note != "" {
		add("%s", escape.Line(s.Note))
	}
	return words
}

// DescribeFailed describes the rows of a step whose value cannot be converted; "" for none.
func DescribeFailed(s *onward.AppliedStep) string {
	switch {
	case s.FindFailed == "":
		return ""
	case s.Failed == 0:
		return "rows whose value cannot be converted were not counted: " + escape.Line(s.FindFailed)
	}
	return fmt.Sprintf("%s whose value cannot be converted, one with the key %s: %s", prose.CountNoun(int(s.Failed), "row"), escape.Line(s.FailedKey),
		escape.Line(s.FindFailed))
}

// CountDone counts the steps of a plan that are done: "3 of 7 steps".
func CountDone(a *onward.Applied) string {
	done := 0
	for i := range a.Steps {
		if a.Steps[i].State == onward.ApplyDone {
			done++
		}
	}
	return fmt.Sprintf("%d of %s", done, prose.CountNoun(len(a.Steps), "step"))
}
