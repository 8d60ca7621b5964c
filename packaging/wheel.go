package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// zippedAt is the first time that a ZIP archive can hold.
var zippedAt = time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC)

// writeWheel writes the wheel of a platform: the program, as a script that pip copies to where Python's programs are.
func writeWheel(dir, version string, p *program, license []byte) error {
	version, err := pythonVersion(version)
	if err != nil {
		return err
	}
	stem := wheelName + "-" + version
	var tags strings.Builder
	for tag := range strings.SplitSeq(p.wheel, ".") {
		fmt.Fprintf(&tags, "Tag: py3-none-%s\n", tag)
	}
	metadata := "Metadata-Version: 2.1\nName: " + strings.ReplaceAll(wheelName, "_", "-") + "\nVersion: " + version + "\nSummary: " + summary +
		"\nHome-page: " + homepage + "\nLicense: " + spdx + "\nLicense-File: LICENSE\nRequires-Python: >=3.7\n" +
		"Description-Content-Type: text/markdown\n\n" + string(readme)
	files := []file{
		{stem + ".data/scripts/" + p.programFileName, p.content, 0o755},
		{stem + ".dist-info/LICENSE", license, 0o644},
		{stem + ".dist-info/METADATA", []byte(metadata), 0o644},
		{stem + ".dist-info/WHEEL", []byte("Wheel-Version: 1.0\nGenerator: onward\nRoot-Is-Purelib: false\n" + tags.String()), 0o644},
	}
	var record strings.Builder
	for _, f := range files {
		sum := sha256.Sum256(f.content)
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", f.name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	record.WriteString(stem + ".dist-info/RECORD,,\n")
	files = append(files, file{stem + ".dist-info/RECORD", []byte(record.String()), 0o644})
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: zippedAt}
		h.SetMode(os.FileMode(f.mode))
		to, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, bytes.NewReader(f.content)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, stem+"-py3-none-"+p.wheel+".whl"), b.Bytes(), 0o644)
}

// semver is a release's version, with what may follow it.
var semver = regexp.MustCompile(`^(\d+\.\d+\.\d+)(?:-(alpha|beta|rc)\.?(\d+)|-([0-9A-Za-z.-]+))?$`)

// pythonVersion is a version as Python writes it: 1.2.3, 1.2.3rc1, or 1.2.3.dev0+snapshot.1a2b3c of what is no release.
func pythonVersion(version string) (string, error) {
	m := semver.FindStringSubmatch(version)
	switch {
	case m == nil:
		return "", fmt.Errorf("the version %q is none that Python has", version)
	case m[2] != "":
		return m[1] + map[string]string{"alpha": "a", "beta": "b", "rc": "rc"}[m[2]] + m[3], nil
	case m[4] != "":
		return m[1] + ".dev0+" + strings.Trim(regexp.MustCompile(`[^0-9a-z]+`).ReplaceAllString(strings.ToLower(m[4]), "."), "."), nil
	}
	return m[1], nil
}
