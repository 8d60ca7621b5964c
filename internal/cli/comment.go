package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/forge"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/markdown"
	"github.com/onward-sql/onward/onward"
)

// pullRequest matches the ref for which GitHub runs a pull request's workflow.
var pullRequest = lazyregexp.New(`^refs/pull/(\d+)/`)

// commentFlags are the flags of comment.
type commentFlags struct {
	run, to string
	silent  bool
}

// newCommentCommand is a hidden command, because only the Action runs it.
func (a *app) newCommentCommand() *cobra.Command {
	var f commentFlags
	cmd := &cobra.Command{
		Use:    "comment [FILE.json]",
		Short:  "keep one comment on GitHub's pull request up to date with a stored report",
		Hidden: true,
		Long: `Keeps one comment on the pull request of a GitHub workflow up to date. It shows a report that
was stored with --format json. The workflow's variables name the pull request: GITHUB_API_URL,
GITHUB_REPOSITORY and GITHUB_REF. GITHUB_TOKEN needs the right pull-requests: write. If the
token is missing, as on a pull request from a fork, onward says so and exits with 0.

With --run there is no file: the report is the artifact of the run in the workflow_run event.
Onward does not trust the artifact. Its size is bounded, it is parsed strictly, and its pull
request must have the head repository and commit of the event.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (f.run == "") == (len(args) == 0) {
				return newUsageError("comment takes one file, or --run")
			}
			if f.run != "" {
				return a.commentOnRun(cmd.Context(), f)
			}
			return a.commentOnRef(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&f.run, "run", "", "the `FILE` with the event workflow_run, GITHUB_EVENT_PATH")
	cmd.Flags().StringVar(&f.to, "to", "", "with --run, write report.json, ref and sha into this `DIRECTORY`")
	cmd.Flags().BoolVar(&f.silent, "silent", false, "with --run, write no comment")
	return cmd
}

// commentOnRef comments on the pull request that the workflow runs for.
func (a *app) commentOnRef(ctx context.Context, file string) error {
	match := pullRequest.FindStringSubmatch(a.env("GITHUB_REF"))
	if match == nil || a.env("GITHUB_REPOSITORY") == "" || a.env("GITHUB_API_URL") == "" {
		return newUsageError("GITHUB_REF, GITHUB_REPOSITORY and GITHUB_API_URL name no pull request: run it in a workflow of GitHub, on pull_request")
	}
	number, err := strconv.Atoi(match[1])
	if err != nil {
		return newUsageError("GITHUB_REF names no pull request: %v", err)
	}
	in, err := os.Open(file)
	if err != nil {
		return &config.InputError{Err: err}
	}
	defer in.Close()
	r, err := report.Read(in)
	if err != nil {
		return &config.InputError{Err: fmt.Errorf("%s: %w", file, err)}
	}
	return a.keepComment(ctx, r, forge.PullRequest{
		API: a.env("GITHUB_API_URL"), Repository: a.env("GITHUB_REPOSITORY"), Number: number, Token: a.env("GITHUB_TOKEN"),
	})
}

// commentOnRun comments on the pull request of the run that judged it. It reads an artifact that the branch's code may have written.
func (a *app) commentOnRun(ctx context.Context, f commentFlags) error {
	in, err := os.Open(f.run)
	if err != nil {
		return &config.InputError{Err: err}
	}
	defer in.Close()
	run, err := forge.ReadRun(in, forge.Run{API: a.env("GITHUB_API_URL"), Repository: a.env("GITHUB_REPOSITORY"), Token: a.env("GITHUB_TOKEN")})
	if err != nil {
		return &config.InputError{Err: fmt.Errorf("%s: %w", f.run, err)}
	}
	judgment, err := run.FetchJudgment(ctx)
	if err != nil {
		return inputErrorOf(err)
	}
	if judgment == nil {
		return a.printLine("the run left no report: nothing to comment on")
	}
	r, err := report.ReadStrictly(judgment.Report)
	if err != nil {
		return &config.InputError{Err: fmt.Errorf("the artifact's report: %w. Both workflows need one version of onward", err)}
	}
	if run.Event != "pull_request" {
		if run.HeadRepository != run.Repository || run.HeadBranch == "" {
			return &config.InputError{Err: errors.New("the run is neither of a pull request nor of a branch of this repository")}
		}
		return errors.Join(a.printLine("the run has no pull request: nothing to comment on"), f.writeOutputs(judgment, "refs/heads/"+run.HeadBranch, run.HeadSHA))
	}
	pull, err := run.ConfirmPullRequest(ctx, judgment.PullRequest)
	if err != nil {
		return inputErrorOf(err)
	}
	if err := f.writeOutputs(judgment, fmt.Sprintf("refs/pull/%d/head", pull.Number), run.HeadSHA); err != nil || f.silent {
		return err
	}
	return a.keepComment(ctx, r, pull)
}

// inputErrorOf converts the error of an untrusted artifact to an error of the input.
func inputErrorOf(err error) error {
	if _, ok := errors.AsType[*forge.UntrustedError](err); ok {
		return &config.InputError{Err: fmt.Errorf("no comment is written: %w", err)}
	}
	return err
}

// writeOutputs writes outputs for the following steps.
func (f *commentFlags) writeOutputs(j *forge.Judgment, ref, sha string) error {
	if f.to == "" {
		return nil
	}
	for name, data := range map[string][]byte{"report.json": j.Report, "ref": []byte(ref), "sha": []byte(sha)} {
		if err := os.WriteFile(filepath.Join(f.to, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// printLine writes a line of the result.
func (a *app) printLine(line string) error {
	return a.writeResult(func(w io.Writer) error { _, err := fmt.Fprintln(w, line); return err })
}

// longestComment is GitHub's limit: 65,536 characters.
const longestComment = 65_000

// keepComment writes the comment on a pull request, and says what it did.
func (a *app) keepComment(ctx context.Context, r *onward.Report, pull forge.PullRequest) error {
	var text strings.Builder
	if err := report.Write(&text, report.FormatMarkdown, r, report.Options{}); err != nil {
		return err
	}
	if text.Len() > longestComment {
		return &config.InputError{Err: fmt.Errorf("the comment would have %d bytes, more than the %d that GitHub takes", text.Len(), longestComment)}
	}
	const without = "no comment was written or updated: %s. The log and the job's summary have the report; " +
		"a comment takes the right pull-requests: write, which a fork's pull request has not"
	if pull.Token == "" {
		return a.printLine(fmt.Sprintf(without, "there is no token"))
	}
	newer := ""
	outcome, err := pull.Keep(ctx, markdown.Marker, func(before string) (after string) {
		after, newer = addVersion(text.String(), before, readBuild().Version)
		return after
	})
	var refused *forge.Error
	if errors.As(err, &refused) && refused.Forbidden() {
		return a.printLine(fmt.Sprintf(without, escape.Line(refused.Error())))
	}
	if err != nil {
		return err
	}
	if newer != "" {
		outcome += fmt.Sprintf("; onward %s, which is newer, wrote one before: let all of the pull request's workflows use one version", newer)
	}
	return a.printLine("comment " + outcome)
}

var (
	// wroteIt matches the line below a comment's marker: the version of onward that wrote it last, and the newest that ever did.
	wroteIt = lazyregexp.New(`(?m)^<!-- onward version=\S* newest=(\d+\.\d+\.\d+) -->\r?$`)
	// releasedAs matches a released version. Other versions cannot be ordered.
	releasedAs = lazyregexp.New(`^v?(\d+\.\d+\.\d+)$`)
)

// addVersion adds the version of onward to a comment's text. The comment must be about the commit that was judged now, so
// an older onward replaces the findings of a newer one, but not silently: the text says so. newer is the newer
// version; it stays in the comment until that version or a later one writes again.
func addVersion(text, before, version string) (after, newer string) {
	version = strings.TrimPrefix(version, "v")
	newest := ""
	if match := releasedAs.FindStringSubmatch(version); match != nil {
		newest = match[1]
	}
	if last := wroteIt.FindStringSubmatch(before); last != nil && slices.CompareFunc(versionNumbers(last[1]), versionNumbers(newest), cmp.Compare[int]) > 0 {
		newest, newer = last[1], last[1]
	}
	if newest == "" {
		return text, "" // built from source, and no release wrote the old text
	}
	head := fmt.Sprintf("%s\n<!-- onward version=%s newest=%s -->", markdown.Marker, version, newest)
	if newer != "" {
		head += fmt.Sprintf("\n> onward %s wrote this comment before. This is the report of %s, which may know less: "+
			"let all of the pull request's workflows use one version.\n", newer, version)
	}
	return head + strings.TrimPrefix(text, markdown.Marker), newer
}

// versionNumbers returns the numbers of a version; none if the text is no version.
func versionNumbers(version string) (n []int) {
	for part := range strings.SplitSeq(version, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		n = append(n, i)
	}
	return n
}
