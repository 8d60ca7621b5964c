package first

import (
	"fmt"
	"strings"
)

// File is a file of a pipeline and its text.
type File struct {
	Path, Text string
	// Whole: the text is the whole file. Else it is a part of a file that the repository may have.
	Whole bool
}

// Pipeline is what the pipeline of a forge needs. version is that of onward, such as v1.2.3; "" for the newest source.
func (f *Found) Pipeline(forge Forge, version string) []File {
	ref := "main"
	if version != "" {
		ref = version
	}
	switch forge {
	case GitHub:
		branch := "main"
		if at := strings.LastIndexByte(f.Base, '/'); plain.MatchString(f.Base[at+1:]) && f.BaseBy == "" {
			branch = f.Base[at+1:]
		}
		return []File{
			{".github/workflows/onward.yml", fmt.Sprintf(githubJudge, branch, f.installSteps(), ref), true},
			{".github/workflows/onward-comment.yml", fmt.Sprintf(githubComment, ref), true},
		}
	case GitLab:
		return []File{{".gitlab-ci.yml", fmt.Sprintf(gitlab, ref) + f.installScript(), false}}
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
      - uses: actions/checkout@v5
        with: { fetch-depth: 0, persist-credentials: false }
%s      - uses: onward-sql/onward@%s
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

// gitlab takes the template of ci/.
const gitlab = `include:
  - remote: https://raw.githubusercontent.com/onward-sql/onward/%s/ci/onward.gitlab-ci.yml
`
