package ledger

import (
	"cmp"
	"net/url"
	"os"
	"os/user"
	"strings"
	"sync"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Process says which process wrote a line of the log, besides its name. The server adds the database role itself.
type Process struct {
	OSUser, Host string
	// Job is the job of a CI service, Link its page, and Commit what it has checked out; "" for none.
	Job, Link, Commit string
}

// currentProcess describes this process.
var currentProcess = sync.OnceValue(func() Process {
	p := readCIJob(os.Getenv)
	p.Host, _ = os.Hostname() // "" is good enough
	if u, err := user.Current(); err == nil {
		p.OSUser = u.Username
	}
	p.OSUser = truncateText(cmp.Or(p.OSUser, os.Getenv("USER")), maxJob)
	p.Host = truncateText(p.Host, maxJob)
	return p
})

// The limits of a job's name and of its link, in bytes.
const (
	maxJob  = 200
	maxLink = 1000
)

var commitID = lazyregexp.New(`^[0-9a-fA-F]{7,64}$`)

// readCIJob reads the environment variables of a CI service. Others may have set them: a link is a web page or nothing.
func readCIJob(env func(string) string) Process {
	join := func(separator string, names ...string) string {
		var parts []string
		for _, name := range names {
			if value := env(name); value != "" {
				parts = append(parts, value)
			}
		}
		return strings.Join(parts, separator)
	}
	var p Process
	switch {
	case env("GITHUB_ACTIONS") != "":
		p = Process{Job: join(" / ", "GITHUB_WORKFLOW", "GITHUB_JOB"), Commit: env("GITHUB_SHA")}
		if run := env("GITHUB_RUN_ID"); run != "" {
			p.Link = env("GITHUB_SERVER_URL") + "/" + env("GITHUB_REPOSITORY") + "/actions/runs/" + run
		}
	case env("GITLAB_CI") != "":
		p = Process{Job: join(" / ", "CI_PROJECT_PATH", "CI_JOB_NAME"), Link: env("CI_JOB_URL"), Commit: env("CI_COMMIT_SHA")}
	case env("BUILDKITE") != "":
		p = Process{Job: join(" / ", "BUILDKITE_PIPELINE_SLUG", "BUILDKITE_LABEL"), Link: env("BUILDKITE_BUILD_URL"), Commit: env("BUILDKITE_COMMIT")}
		if job := env("BUILDKITE_JOB_ID"); job != "" && p.Link != "" {
			p.Link += "#" + job
		}
	case env("CIRCLECI") != "":
		p = Process{Job: join(" / ", "CIRCLE_PROJECT_REPONAME", "CIRCLE_JOB"), Link: env("CIRCLE_BUILD_URL"), Commit: env("CIRCLE_SHA1")}
	case env("JENKINS_URL") != "":
		p = Process{Job: join(" #", "JOB_NAME", "BUILD_NUMBER"), Link: env("BUILD_URL"), Commit: env("GIT_COMMIT")}
	}
	p.Job, p.Link = truncateText(p.Job, maxJob), sanitizeLink(p.Link)
	if !commitID.MatchString(p.Commit) {
		p.Commit = ""
	}
	return p
}

// sanitizeLink returns the address of a web page without a login; "" for anything else.
func sanitizeLink(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(text) > maxLink {
		return ""
	}
	u.User = nil
	return u.String()
}

// truncateText returns the beginning of a text, in UTF-8.
func truncateText(text string, most int) string {
	return pgparse.ClipTo(strings.ToValidUTF8(text, "\uFFFD"), most)
}
