package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/forge"
	"github.com/onward-sql/onward/internal/report"
)

// pullRequest is the ref that GitHub runs one's workflow for.
var pullRequest = regexp.MustCompile(`^refs/pull/(\d+)/`)

// comment is hidden: the Action runs it.
func (a *app) comment() *cobra.Command {
	return &cobra.Command{
		Use:    "comment FILE.json",
		Short:  "keep one comment on GitHub's pull request up to date with a stored report",
		Hidden: true,
		Long: `Keeps one comment on the pull request of a workflow of GitHub up to date with a report that
was stored with --format json. The workflow's variables say which: GITHUB_API_URL,
GITHUB_REPOSITORY, GITHUB_REF; GITHUB_TOKEN has to have the right pull-requests: write. Without
it, as on the pull request of a fork, that is said, and the exit code is 0.`,
		Args: arguments(1, 1, "one file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			at := pullRequest.FindStringSubmatch(a.env("GITHUB_REF"))
			if at == nil || a.env("GITHUB_REPOSITORY") == "" || a.env("GITHUB_API_URL") == "" {
				return usagef("GITHUB_REF, GITHUB_REPOSITORY and GITHUB_API_URL name no pull request: run it in a workflow of GitHub, on pull_request")
			}
			number, err := strconv.Atoi(at[1])
			if err != nil {
				return usagef("GITHUB_REF names no pull request: %v", err)
			}
			in, err := os.Open(args[0])
			if err != nil {
				return &config.InputError{Err: err}
			}
			defer in.Close()
			r, err := report.Read(in)
			if err != nil {
				return &config.InputError{Err: fmt.Errorf("%s: %w", args[0], err)}
			}
			var text strings.Builder
			if err := report.Write(&text, report.FormatMarkdown, r, report.Options{}); err != nil {
				return err
			}
			const without = "no comment was written or updated: %s. The log and the job's summary have the report; a comment takes the right pull-requests: write, which a fork's pull request has not\n"
			if a.env("GITHUB_TOKEN") == "" {
				return a.write(func(w io.Writer) error { _, err := fmt.Fprintf(w, without, "there is no token"); return err })
			}
			newer := ""
			did, err := forge.PullRequest{
				API: a.env("GITHUB_API_URL"), Repository: a.env("GITHUB_REPOSITORY"), Number: number, Token: a.env("GITHUB_TOKEN"),
			}.Keep(cmd.Context(), report.MarkdownMarker, func(before string) (after string) {
				after, newer = signed(text.String(), before, thisBuild().Version)
				return after
			})
			var refused *forge.Error
			if errors.As(err, &refused) && refused.Forbidden() {
				return a.write(func(w io.Writer) error { _, err := fmt.Fprintf(w, without, report.Line(refused.Error())); return err })
			}
			if err != nil {
				return err
			}
			if newer != "" {
				did += fmt.Sprintf("; onward %s, which is newer, wrote one before: let all of the pull request's workflows use one version", newer)
			}
			return a.write(func(w io.Writer) error { _, err := fmt.Fprintf(w, "comment %s\n", did); return err })
		},
	}
}
