package first

import (
	"fmt"
	"strings"
)

// File is a file of a pipeline and its text.
type File struct {
	Path, Text string
	// Whole is set if the text is the whole file; otherwise it is a part of a file that may exist.
	Whole bool
}

// Pipeline returns the files for the pipeline of a forge. ref pins onward: a release, such as v1.2.3, or the whole id of a commit; "" if
// neither is known.
func (f *Found) Pipeline(forge Forge, ref string) []File {
	switch forge {
	case GitHub:
		branch := "main"
		if slash := strings.LastIndexByte(f.Base, '/'); plain.MatchString(f.Base[slash+1:]) && f.BaseBy == "" {
			branch = f.Base[slash+1:]
		}
		if ref == "" {
			ref = "main # name a commit here: this onward does not know its own"
		}
		return []File{
			{".github/workflows/onward.yml", fmt.Sprintf(githubJudge, branch, f.installSteps(), ref), true},
			{".github/workflows/onward-comment.yml", fmt.Sprintf(githubComment, ref), true},
			{".github/workflows/onward-stats.yml", fmt.Sprintf(githubStats, ref), true},
		}
	case GitLab:
		if ref == "" {
			ref = "COMMIT"
		}
		text := fmt.Sprintf(gitlab, ref)
		text += "variables:\n"
		if !strings.HasPrefix(ref, "v") { // the template of a release has its version
			text += fmt.Sprintf(gitlabVersion, ref)
		}
		text += gitlabTrust
		return []File{{".gitlab-ci.yml", text + f.installScript(), false}}
	}
	return nil
}

// githubJudge runs the branch's code if the framework needs it, so its token can only read, and no step after the checkout has it.
const githubJudge = `# Judges what a branch does to the database. onward-comment.yml writes the comment: no job has both the branch's code and a
# token that may write.
name: onward
on:
  pull_request:
  merge_group:
  push: { branches: [%s] }
permissions: { contents: read }
jobs:
  onward:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@fbc6f3992d24b796d5a048ff273f7fcc4a7b6c09 # v5.1.0
        with: { fetch-depth: 0, persist-credentials: false }
%s      - uses: onward-sql/onward@%s
        with: { trust: base }
`

// githubComment runs on the default branch and runs nothing from the branch that was judged.
const githubComment = `# Keeps one comment on a pull request up to date. It runs on the default branch, checks out nothing, and trusts nothing
# that the judged branch could have written.
name: onward comment
on:
  workflow_run: { workflows: [onward], types: [completed] }
permissions: {}
jobs:
  comment:
    if: github.event.workflow_run.event == 'pull_request'
    runs-on: ubuntu-latest
    permissions: { actions: read, pull-requests: write }
    steps:
      - uses: onward-sql/onward/ci/comment@%s
`

// githubStats runs on the default branch and checks out nothing.
const githubStats = `# Reads each night how big the tables are: then onward says how long a statement takes, and leaves small tables alone.
# It needs the secret ONWARD_STATS_URL, the address of the database or of a replica, and a runner that reaches it. The role
# needs to connect, nothing more. Without the secret it reads nothing.
name: onward stats
on:
  schedule: [{ cron: "23 3 * * *" }]
  workflow_dispatch:
permissions: {}
jobs:
  stats:
    runs-on: ubuntu-latest
    steps:
      - uses: onward-sql/onward/ci/stats@%s
        with: { address: "${{ secrets.ONWARD_STATS_URL }}" }
`

// gitlab uses the template in ci/.
const gitlab = `include:
  - remote: https://raw.githubusercontent.com/onward-sql/onward/%s/ci/onward.gitlab-ci.yml
`

// gitlabVersion names the commit that the template builds, once, and caches.
const gitlabVersion = `  ONWARD_VERSION: %s # a commit of onward: it is built once, and cached
`

// gitlabTrust makes the settings of the deployed revision count.
const gitlabTrust = `  ONWARD_TRUST: base # a branch does not weaken its own check
`
