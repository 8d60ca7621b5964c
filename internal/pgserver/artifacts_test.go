package pgserver

import (
	"net/url"
	"strings"
	"testing"
)

func TestRepository(t *testing.T) {
	u, err := url.Parse(artifacts[0].downloadURL())
	if err != nil || u.Scheme != "https" || !strings.Contains(u.Host, "maven") || !strings.HasSuffix(u.Path, artifacts[0].version+".jar") {
		t.Errorf("%s: the library's repository is not where it was", u)
	}
	t.Setenv(repositoryVariable, "https://mirror.example/maven/")
	if got := artifacts[0].downloadURL(); !strings.HasPrefix(got, "https://mirror.example/maven/io/zonky/") {
		t.Errorf("the download address is %s, want one of the mirror", got)
	}
}
