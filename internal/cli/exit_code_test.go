package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/onward"
)

func TestExitCode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want int
	}{
		{newUsageError("no"), exitUsage},
		{&config.Error{}, exitUsage},
		{errors.Join(&config.Error{}, &config.Error{}), exitUsage},
		{&config.InputError{Err: errors.New("no")}, exitUsage},
		{&adapter.NotFoundError{}, exitUsage},
		{&adapter.NotFoundError{Skipped: []onward.Opaque{{Path: "db", Database: "MySQL"}}}, exitFailed},
		{&address.Error{}, exitUsage},
		{&live.ServerError{}, exitFailed},
		{&gitrange.NotRepositoryError{}, exitUsage},
		{&gitrange.BareRepositoryError{}, exitUsage},
		{&gitrange.NoCommitsError{}, exitUsage},
		{&gitrange.RefusedRevisionError{}, exitUsage},
		{&gitrange.UnknownRevisionError{}, exitUsage},
		{&gitrange.NoBaseError{}, exitUsage},
		{fmt.Errorf("at main: %w", &gitrange.UnknownRevisionError{}), exitUsage},
		{&gitrange.GitError{Args: []string{"log"}}, exitFailed},
		{&gitrange.MissingObjectsError{}, exitFailed},
		{&gitrange.OwnershipError{}, exitFailed},
		{&gitrange.NoMergeBaseError{}, exitFailed},
		{context.Canceled, exitFailed},
		{errors.New("disk full"), exitFailed},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%T: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	warning := []onward.Finding{{Severity: onward.Warning}}
	for name, c := range map[string]struct {
		report onward.Report
		failOn config.Threshold
		want   int
	}{
		"nothing":                {onward.Report{}, "", exitClean},
		"below":                  {onward.Report{Findings: warning}, "", exitClean},
		"reached":                {onward.Report{Findings: warning}, config.FailOnWarning, exitFindings},
		"opaque by nature":       {onward.Report{Opaque: []onward.Opaque{{}}}, "", exitClean},
		"unreadable":             {onward.Report{Opaque: []onward.Opaque{{}, {Failed: true}}}, config.FailOnNever, exitFailed},
		"unreadable and reached": {onward.Report{Findings: warning, Opaque: []onward.Opaque{{Failed: true}}}, config.FailOnInfo, exitFailed},
	} {
		if got := verdict.ExitCode(&c.report, c.failOn); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A verification ends with 1 if code breaks. That traffic waits is the matter of onward changelog.
func TestVerifiedCode(t *testing.T) {
	t.Parallel()
	broken := []onward.Verdict{{Severity: onward.Error, Code: onward.OldCode}}
	for name, c := range map[string]struct {
		state    onward.State
		verdicts []onward.Verdict
		stopped  *onward.Stopped
		found    onward.Category // of an error of the audit
		code     int
		want     int
	}{
		"safe":               {state: onward.StateSafe, code: exitClean, want: exitClean},
		"safe on conditions": {state: onward.StateSafeIf, code: exitClean, want: exitClean},
		"a query breaks":     {state: onward.StateNotSafe, verdicts: broken, code: exitClean, want: exitFindings},
		"the audit's error":  {state: onward.StateNotSafe, found: onward.Compatibility, code: exitClean, want: exitFindings},
		"locks":              {state: onward.StateNotSafe, found: onward.Locking, code: exitClean, want: exitClean},
		"not read":           {state: onward.StateNotSafe, verdicts: broken, code: exitFailed, want: exitFailed},
		"it ended early":     {state: onward.StateNotSafe, stopped: &onward.Stopped{}, code: exitClean, want: exitFailed},
	} {
		r := onward.Report{Verdicts: c.verdicts, Summary: onward.Summary{State: c.state}, Verification: &onward.Verification{Stopped: c.stopped}}
		if c.found != "" {
			r.Findings = []onward.Finding{{Severity: onward.Error, Category: c.found}}
		}
		if got := verdict.QueriesExitCode(c.code, &r); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
