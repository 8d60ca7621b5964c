package ledger

import (
	"strings"
	"testing"
)

// A job is described by its own service's variables. A link is a web page without a login, and everything is bounded.
func TestDescribeJob(t *testing.T) {
	t.Parallel()
	const sha = "0123456789abcdef0123456789abcdef01234567"
	for _, c := range []struct {
		env  map[string]string
		want Process
	}{
		{map[string]string{"CI_JOB_NAME": "x", "GITHUB_SHA": sha}, Process{}},
		{
			map[string]string{
				"GITHUB_ACTIONS": "true", "GITHUB_WORKFLOW": "deploy", "GITHUB_JOB": "migrate", "GITHUB_SHA": sha, "GITHUB_SERVER_URL": "https://github.com",
				"GITHUB_REPOSITORY": "o/shop", "GITHUB_RUN_ID": "7",
			},
			Process{Job: "deploy / migrate", Link: "https://github.com/o/shop/actions/runs/7", Commit: sha},
		},
		{
			map[string]string{
				"GITLAB_CI": "true", "CI_PROJECT_PATH": "o/shop", "CI_JOB_NAME": "migrate", "CI_JOB_URL": "https://u:secret@gitlab/j/1", "CI_COMMIT_SHA": sha,
			},
			Process{Job: "o/shop / migrate", Link: "https://gitlab/j/1", Commit: sha},
		},
		{
			map[string]string{
				"BUILDKITE": "true", "BUILDKITE_PIPELINE_SLUG": "shop", "BUILDKITE_LABEL": ":db: migrate", "BUILDKITE_BUILD_URL": "https://b/1",
				"BUILDKITE_JOB_ID": "ab-1", "BUILDKITE_COMMIT": "HEAD",
			},
			Process{Job: "shop / :db: migrate", Link: "https://b/1#ab-1"},
		},
		{
			map[string]string{"CIRCLECI": "true", "CIRCLE_JOB": "migrate", "CIRCLE_BUILD_URL": "javascript:alert(1)", "CIRCLE_SHA1": sha},
			Process{Job: "migrate", Commit: sha},
		},
		{
			map[string]string{"JENKINS_URL": "http://j", "JOB_NAME": strings.Repeat("é", 150), "BUILD_NUMBER": "4", "BUILD_URL": "http://j/4", "GIT_COMMIT": "0'; DROP"},
			Process{Job: strings.Repeat("é", 100), Link: "http://j/4"},
		},
		{map[string]string{"JENKINS_URL": "http://j", "JOB_NAME": "a\xff", "BUILD_URL": "https://j/" + strings.Repeat("x", maxLink)}, Process{Job: "a\uFFFD"}},
	} {
		if got := readCIJob(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %+v, want %+v", c.env, got, c.want)
		}
	}
}
