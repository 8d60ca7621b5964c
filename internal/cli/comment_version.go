package cli

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/report"
)

var (
	// wroteIt is the line below a comment's marker: which version of onward wrote it last, and the newest that ever did.
	wroteIt = regexp.MustCompile(`(?m)^<!-- onward version=\S* newest=(\d+\.\d+\.\d+) -->\r?$`)
	// releasedAs is what a released version is called. No other has a place among them.
	releasedAs = regexp.MustCompile(`^v?(\d+\.\d+\.\d+)$`)
)

// signed puts into a comment's text which version writes it. The comment has to be about the commit that was judged now, so
// an older onward writes over what a newer one found, but not silently: the text says so, and newer is the version of that one,
// until it or a later one writes again.
func signed(text, before, version string) (after, newer string) {
	version = strings.TrimPrefix(version, "v")
	newest := ""
	if own := releasedAs.FindStringSubmatch(version); own != nil {
		newest = own[1]
	}
	if last := wroteIt.FindStringSubmatch(before); last != nil && slices.CompareFunc(numbers(last[1]), numbers(newest), cmp.Compare[int]) > 0 {
		newest, newer = last[1], last[1]
	}
	if newest == "" {
		return text, "" // built from source, over nothing that a release wrote
	}
	head := fmt.Sprintf("%s\n<!-- onward version=%s newest=%s -->", report.MarkdownMarker, version, newest)
	if newer != "" {
		head += fmt.Sprintf("\n> onward %s wrote this comment before. This is the report of %s, which may know less: let all of the pull request's workflows use one version.\n", newer, version)
	}
	return head + strings.TrimPrefix(text, report.MarkdownMarker), newer
}

// numbers are those of a version; none where there is no version.
func numbers(version string) (n []int) {
	for part := range strings.SplitSeq(version, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		n = append(n, i)
	}
	return n
}
