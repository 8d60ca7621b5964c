package forge

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Run is a finished run of a GitHub workflow that judged a revision, as the event workflow_run describes it.
// GitHub wrote the event, so it is trusted; the branch's code ran in the run, so its artifact is not.
type Run struct {
	// API, Repository and Token are as in [PullRequest].
	API, Repository, Token string
	ID                     int64
	// Event is the event that started the run: "pull_request", "push".
	Event string
	// HeadSHA, HeadBranch and HeadRepository are the judged revision. HeadRepository is "" if the fork is gone.
	HeadSHA, HeadBranch, HeadRepository string
}

// Judgment is the artifact of a run: the report, and the pull request that it claims to be about, 0 for none.
type Judgment struct {
	Report      []byte
	PullRequest int
}

// UntrustedError says why an artifact, or a claim in it, is not used.
type UntrustedError struct{ Message string }

func (e *UntrustedError) Error() string { return e.Message }

// Bounds of what is read from an event, an artifact and its files.
const (
	maxEvent    = 4 << 20
	maxArtifact = 8 << 20
	maxReport   = 32 << 20
	maxNumber   = 12
)

// The artifact and its files, which the judging Action writes.
const (
	artifactName = "onward"
	reportName   = "report.json"
	numberName   = "pull-request"
)

var (
	commitID   = lazyregexp.New(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	branchName = lazyregexp.New(`^[^\x00-\x20\x7f~^:?*\[\\]+$`)
	fullName   = lazyregexp.New(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`)
)

// ReadRun reads the event workflow_run. API, Repository and Token are the caller's: the event has to be of that repository.
//
// Errors: an event of another kind or repository.
func ReadRun(in io.Reader, r Run) (Run, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxEvent))
	if err != nil {
		return r, err
	}
	var event struct {
		Run *struct {
			ID             int64  `json:"id"`
			Event          string `json:"event"`
			HeadSHA        string `json:"head_sha"`
			HeadBranch     string `json:"head_branch"`
			HeadRepository *struct {
				FullName string `json:"full_name"`
			} `json:"head_repository"`
		} `json:"workflow_run"`
		Repository struct {
			FullName string `json:"full_name"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return r, fmt.Errorf("not an event of GitHub: %w", err)
	}
	switch run := event.Run; {
	case run == nil || run.ID <= 0 || !commitID.MatchString(run.HeadSHA):
		return r, errors.New("the event has no workflow_run with an id and a commit: run it in a workflow of GitHub, on workflow_run")
	case event.Repository.FullName != r.Repository || !fullName.MatchString(r.Repository):
		return r, fmt.Errorf("the event is of the repository %q, and this is %q", event.Repository.FullName, r.Repository)
	default:
		r.ID, r.Event, r.HeadSHA = run.ID, run.Event, run.HeadSHA
		if branchName.MatchString(run.HeadBranch) {
			r.HeadBranch = run.HeadBranch
		}
		if run.HeadRepository != nil {
			r.HeadRepository = run.HeadRepository.FullName
		}
	}
	return r, nil
}

// newClient returns the client for the requests.
func (r Run) newClient() PullRequest {
	return PullRequest{API: r.API, Repository: r.Repository, Token: r.Token}
}

// FetchJudgment fetches the newest artifact of the run, nil if it has none.
//
// Errors: an [*UntrustedError] if the artifact was not written by the judging Action, an [*Error] if the forge
// refuses; network errors.
func (r Run) FetchJudgment(ctx context.Context) (*Judgment, error) {
	var list struct {
		Artifacts []struct {
			ID      int64  `json:"id"`
			Name    string `json:"name"`
			Size    int64  `json:"size_in_bytes"`
			Expired bool   `json:"expired"`
		} `json:"artifacts"`
	}
	path := fmt.Sprintf("actions/runs/%d/artifacts?name=%s&per_page=%d", r.ID, artifactName, page)
	if err := r.newClient().callRepository(ctx, "list the artifacts of the run", http.MethodGet, path, nil, &list); err != nil {
		return nil, err
	}
	newest, size := int64(0), int64(0)
	for _, a := range list.Artifacts {
		if a.Name == artifactName && !a.Expired && a.ID > newest {
			newest, size = a.ID, a.Size
		}
	}
	if newest == 0 {
		return nil, nil
	}
	if size > maxArtifact {
		return nil, &UntrustedError{fmt.Sprintf("the artifact has %d bytes, more than %d", size, maxArtifact)}
	}
	data, err := r.downloadArtifact(ctx, newest)
	if err != nil {
		return nil, err
	}
	return readJudgment(data)
}

// downloadArtifact fetches an artifact. GitHub redirects to another host, which does not get the token.
func (r Run) downloadArtifact(ctx context.Context, id int64) ([]byte, error) {
	const doing = "fetch the artifact of the run"
	path := fmt.Sprintf("%s/repos/%s/actions/artifacts/%d/zip", strings.TrimSuffix(r.API, "/"), r.Repository, id)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	request.Header.Set("Authorization", "Bearer "+r.Token)
	client := &http.Client{Timeout: patience, CheckRedirect: func(next *http.Request, before []*http.Request) error {
		next.Header.Del("Authorization")
		if len(before) > 3 {
			return errors.New("too many redirects")
		}
		return nil
	}}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, &Error{doing, answer.StatusCode, http.StatusText(answer.StatusCode)}
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, maxArtifact+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if len(data) > maxArtifact {
		return nil, &UntrustedError{fmt.Sprintf("the artifact has more than %d bytes", maxArtifact)}
	}
	return data, nil
}

// readJudgment reads an artifact: a zip file with exactly two files, each bounded. Nothing is unpacked onto the disk.
func readJudgment(data []byte) (*Judgment, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, &UntrustedError{"the artifact is not a zip file: " + err.Error()}
	}
	if len(archive.File) != 2 {
		return nil, &UntrustedError{fmt.Sprintf("the artifact has %d files, and not %s and %s", len(archive.File), reportName, numberName)}
	}
	files := map[string][]byte{}
	for _, f := range archive.File {
		limit := int64(maxReport)
		if f.Name == numberName {
			limit = maxNumber
		}
		if files[f.Name], err = readZipFile(f, limit); err != nil {
			return nil, err
		}
	}
	report, number := files[reportName], strings.TrimSuffix(string(files[numberName]), "\n")
	n, err := strconv.Atoi(number)
	if report == nil || err != nil || n < 0 || strconv.Itoa(n) != number {
		return nil, &UntrustedError{fmt.Sprintf("the artifact does not consist of %s and %s with a number", reportName, numberName)}
	}
	return &Judgment{Report: report, PullRequest: n}, nil
}

// readZipFile reads a regular file of a zip file, whatever size that claims for it.
func readZipFile(f *zip.File, limit int64) ([]byte, error) {
	unusable := func(problem string) error {
		return &UntrustedError{fmt.Sprintf("the artifact's file %.100q %s", f.Name, problem)}
	}
	if !f.Mode().IsRegular() {
		return nil, unusable("is not a regular file")
	}
	in, err := f.Open()
	if err != nil {
		return nil, unusable("cannot be read: " + err.Error())
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, unusable("cannot be read: " + err.Error())
	}
	if int64(len(data)) > limit {
		return nil, unusable(fmt.Sprintf("has more than %d bytes", limit))
	}
	return data, nil
}

// ConfirmPullRequest checks that a pull request belongs to the run: open, of this repository, with the head
// repository and commit that the run judged.
//
// Errors: an [*UntrustedError] if it is another one, an [*Error] if the forge refuses; network errors.
func (r Run) ConfirmPullRequest(ctx context.Context, number int) (PullRequest, error) {
	p := r.newClient()
	p.Number = number
	if r.Event != "pull_request" || number <= 0 {
		return p, &UntrustedError{fmt.Sprintf("the artifact names the pull request %d, but the run was started by %q", number, r.Event)}
	}
	type repository struct {
		FullName string `json:"full_name"`
	}
	type side struct {
		SHA  string      `json:"sha"`
		Repo *repository `json:"repo"`
	}
	var found struct {
		Number int    `json:"number"`
		State  string `json:"state"`
		Head   side   `json:"head"`
		Base   side   `json:"base"`
	}
	if err := p.callRepository(ctx, "read the pull request", http.MethodGet, fmt.Sprintf("pulls/%d", number), nil, &found); err != nil {
		return p, err
	}
	switch head, base := found.Head, found.Base; {
	case found.Number != number || base.Repo == nil || base.Repo.FullName != r.Repository:
		return p, &UntrustedError{fmt.Sprintf("the pull request %d is not one of %s", number, r.Repository)}
	case head.Repo == nil || r.HeadRepository == "" || head.Repo.FullName != r.HeadRepository:
		return p, &UntrustedError{fmt.Sprintf("the pull request %d comes from another repository than the run", number)}
	case head.SHA != r.HeadSHA:
		return p, &UntrustedError{fmt.Sprintf("the head of the pull request %d is %.40q, and the run judged %s", number, head.SHA, r.HeadSHA)}
	case found.State != "open":
		return p, &UntrustedError{fmt.Sprintf("the pull request %d is closed", number)}
	}
	return p, nil
}
