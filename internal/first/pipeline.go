package first

// Pipeline is what to write into the pipeline of a forge, and into which file.
func (f Forge) Pipeline() (file, text string) {
	switch f {
	case GitHub:
		return ".github/workflows/onward.yml", github
	case GitLab:
		return ".gitlab-ci.yml", gitlab
	}
	return "", ""
}

// github takes the Action, which keeps one comment on a pull request up to date; a push to the main branch is held against what was
// there before it.
const github = `name: onward
on:
  pull_request:
  push: { branches: [main] }
permissions: { contents: read, pull-requests: write }
jobs:
  onward:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
        with: { fetch-depth: 0 }
      - uses: onward-sql/onward@main
`

// gitlab takes the template of ci/.
const gitlab = `include:
  - remote: https://raw.githubusercontent.com/onward-sql/onward/main/ci/onward.gitlab-ci.yml
`
