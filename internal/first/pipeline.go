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

// github comments on a pull request's lines; a push to the main branch is held against what was
// there before it.
const github = `name: onward
on:
  pull_request:
  push: { branches: [main] }
permissions: { contents: read }
jobs:
  onward:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
        with: { fetch-depth: 0 }
      - uses: actions/setup-go@v6
        with: { go-version: stable }
      - run: go install github.com/onward-sql/onward/cmd/onward@latest
      - run: onward changelog --base "origin/${{ github.base_ref }}" --format github
        if: github.event_name == 'pull_request'
      - run: onward changelog --base "${{ github.event.before }}" --format github
        if: github.event_name == 'push'
`

// gitlab takes the template of ci/.
const gitlab = `include:
  - remote: https://raw.githubusercontent.com/onward-sql/onward/main/ci/onward.gitlab-ci.yml
`
