package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
	"github.com/xi2/xz"

	"github.com/onward-sql/onward/onward"
)

// maxArchive limits the download; the archives have 10 to 20 MB.
const maxArchive = 200 << 20

var errNoDownload = errors.New("not allowed")

// sourceVariable selects the servers. "downloaded" ignores installed servers, so that the same version runs everywhere,
// to the minor version.
const sourceVariable = "ONWARD_POSTGRES"

// Downloaded is the value of the variable ONWARD_POSTGRES that ignores installed servers. A version without a download
// for this platform is still taken from this machine.
const Downloaded = "downloaded"

// UseDownloaded makes this process and its children ignore installed servers, unless the environment says otherwise.
func UseDownloaded() error {
	if os.Getenv(sourceVariable) != "" {
		return nil
	}
	return os.Setenv(sourceVariable, Downloaded)
}

// ensureInstall returns an installation of the major version (0: the newest installed one, else the newest available),
// downloading the binaries into the user's cache directory if none is installed. Several processes may call it at the
// same time; one downloads. The error is a [*MissingError] if there is no way to get one.
func ensureInstall(ctx context.Context, major int, noDownload bool, log *slog.Logger) (Install, error) {
	a, hasArtifact := findArtifact(cmp.Or(major, onward.NewestMajor))
	missing := &MissingError{Major: major, Looked: []string{"the cache only (" + sourceVariable + "=" + Downloaded + ")"}, Err: errNoDownload}
	if !hasArtifact || os.Getenv(sourceVariable) != Downloaded {
		var installs []Install
		installs, missing.Looked, missing.Unfit = findInstalls()
		for _, install := range installs {
			supported := install.Major >= onward.OldestMajor && install.Major <= onward.NewestMajor
			if install.Major == major || major == 0 && supported {
				return install, nil
			}
		}
	}
	if !hasArtifact {
		if !noDownload {
			missing.Err = errors.New("there are no binaries of that version for this platform")
		}
		return Install{}, missing
	}
	bin, err := ensureFetchedBin(ctx, a, noDownload, log)
	if err != nil {
		missing.Err = err
		return Install{}, missing
	}
	install, err := inspectInstall("cache", bin)
	if err != nil {
		missing.Err = err
		return Install{}, missing
	}
	return install, nil
}

// ensureFetchedBin returns the directory of an artifact's binaries in the cache. They are downloaded if they are missing.
func ensureFetchedBin(ctx context.Context, a artifact, noDownload bool, log *slog.Logger) (string, error) {
	if !noDownload {
		return fetchArtifact(ctx, a, log)
	}
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(a.cacheDir(root), "bin")
	if !pathExists(bin) {
		return "", errNoDownload
	}
	return bin, nil
}

// fetchArtifact downloads and unpacks an archive into the cache and returns its directory of binaries.
func fetchArtifact(ctx context.Context, a artifact, log *slog.Logger) (string, error) {
	root, err := CacheDir()
	if err != nil {
		return "", err
	}
	final := a.cacheDir(root)
	return filepath.Join(final, "bin"), buildOnce(ctx, final, func(staging string, _ *os.File) error {
		log.Info("downloading Postgres binaries", "version", a.version, "from", a.downloadURL())
		jar, err := downloadArchive(ctx, a.downloadURL(), a.sha256)
		if err != nil {
			return err
		}
		return unpackArchive(jar, staging)
	})
}

// downloadArchive gets an archive and checks it against the known digest.
func downloadArchive(ctx context.Context, url, digest string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", url, resp.Status)
	}
	jar, err := io.ReadAll(io.LimitReader(resp.Body, maxArchive))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", url, err)
	}
	if sum := sha256.Sum256(jar); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("get %s: its content is not the expected one: SHA-256 is %x, expected %s", url, sum, digest)
	}
	return jar, nil
}

// unpackArchive extracts the binaries of a jar (a tar.xz inside the zip) to dir.
func unpackArchive(jar []byte, dir string) error {
	archive, err := zip.NewReader(bytes.NewReader(jar), int64(len(jar)))
	if err != nil {
		return fmt.Errorf("read the archive: %w", err)
	}
	for _, entry := range archive.File {
		if !strings.HasSuffix(entry.Name, ".txz") {
			continue
		}
		packed, err := entry.Open()
		if err != nil {
			return fmt.Errorf("read %s in the archive: %w", entry.Name, err)
		}
		defer packed.Close()
		plain, err := xz.NewReader(packed, 0)
		if err != nil {
			return fmt.Errorf("read %s in the archive: %w", entry.Name, err)
		}
		return untar(tar.NewReader(plain), dir)
	}
	return errors.New("read the archive: no .txz file in it")
}

// untar extracts through an os.Root, so that no entry can be written outside of dir.
func untar(archive *tar.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		name := filepath.Clean(header.Name)
		mode := header.FileInfo().Mode().Perm() | 0o444
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		switch header.Typeflag {
		case tar.TypeDir:
			mode |= 0o755
			err = root.MkdirAll(name, mode)
		case tar.TypeReg:
			err = writeFile(root, name, archive)
		case tar.TypeSymlink:
			if err := root.Symlink(header.Linkname, name); err != nil {
				return fmt.Errorf("unpack: %w", err)
			}
			continue
		default:
			continue // these archives contain nothing else
		}
		if err == nil {
			err = root.Chmod(name, mode) // whatever the umask
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
	}
}

func writeFile(root *os.Root, name string, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// artifact is one archive of server binaries that the project zonkyio/embedded-postgres-binaries publishes on Maven
// Central. Its digest is pinned here because its content will be executed.
type artifact struct{ platform, version, sha256 string }

// repositoryVariable names a mirror of Maven Central for networks that have one.
const repositoryVariable = "ONWARD_POSTGRES_REPOSITORY"

// repositoryURL returns the Maven repository with the archives: the default of the library embedded-postgres. The library
// does not export the address, so it is read from its unexported field; a test checks that the field exists.
func repositoryURL() string {
	if mirror := os.Getenv(repositoryVariable); mirror != "" {
		return strings.TrimRight(mirror, "/")
	}
	return reflect.ValueOf(embeddedpostgres.DefaultConfig()).FieldByName("binaryRepositoryURL").String()
}

func (a artifact) downloadURL() string {
	name := "embedded-postgres-binaries-" + a.platform
	return repositoryURL() + "/io/zonky/test/postgres/" + name + "/" + a.version + "/" + name + "-" + a.version + ".jar"
}

// cacheDir returns the directory of the artifact's files in the cache.
func (a artifact) cacheDir(root string) string {
	return filepath.Join(root, "postgres", a.version+"-"+a.platform)
}

// artifacts holds the newest version of each major that exists for a platform. Some platforms lack some versions. Postgres 12 is for tests of what
// onward says of a server that it does not support.
var artifacts = []artifact{
	{"linux-amd64", "12.22.0", "f50ddff3308a65e2423ecfd94aefc200d7fe7e2a24d45c6aadb0a6cfbe9284c4"},
	{"linux-amd64", "13.23.0", "0713b8a6dbe13440718ea789eefca6ae562b004bc0541d9c21d20300529c1db2"},
	{"linux-amd64", "14.24.0", "2722d05eb22c671104c9918d59d8ba9f5656898f5452a0207bb4cce21eef5dc4"},
	{"linux-amd64", "15.19.0", "95f0b66fe72d4ca66c815773c44cb1196ea38552463e89a35f18114b3ed1565f"},
	{"linux-amd64", "16.15.0", "653abc065c682b85d3da50168fb95dc524bd85426cdec9ce3695a550ef431df2"},
	{"linux-amd64", "17.11.0", "0dd7b72b6f335b8ecfb355fa24c5781e8a93edd09880bb77eb52ebbf29b3e96d"},
	{"linux-amd64", "18.6.0", "008ee189eaa7ca2b58bd01dd950291e638b998392cf982297acd4779ec898ac1"},
	{"linux-arm64v8", "14.23.0", "a55b93f67051a602be033b298461709f88789dccee925236f2fb5a4eaf9dd526"},
	{"linux-arm64v8", "15.19.0", "95baf4bd4af31b91b3050118df59388ed0064756b556b850669e0300aa7b9911"},
	{"linux-arm64v8", "16.15.0", "f846a9989d686b7977d6eca9bc9d8b2b69e3f70c7eb60e032197d9c574a6136c"},
	{"linux-arm64v8", "17.11.0", "8b042e0ea418b1927d95399207950da0734d27fe01e29503ade3bdc464ad4c2b"},
	{"linux-arm64v8", "18.4.0", "a9ec284923b9a7d2db41509bfb88c3d0eeb9f4aa5e2b29ea0aac5e8dbaf4c335"},
	{"linux-amd64-alpine", "13.18.0", "4146458d5a5edea5978450fd28428246d61214370a578fefa6c4aaaf3bbcf23a"},
	{"linux-amd64-alpine", "14.22.0", "e949c495cb77636f8d6097ecaa3397b02f3148e24efa73851801f76b53fc1eff"},
	{"linux-amd64-alpine", "15.19.0", "a04a72fb429fed3624507f54244a69f43be491c67f744e58c1a3696a67262aab"},
	{"linux-amd64-alpine", "16.15.0", "6bcfdb579fae7fb11e6ea2dba2cc8086c14cc58506db49ad36ce4d70de250dd6"},
	{"linux-amd64-alpine", "17.11.0", "ace9a6f95b1c98ce84c9841267cd04ebee5d7de5dc7b8fea148ead44f145afbd"},
	{"linux-amd64-alpine", "18.6.0", "1568b3805c3a3b99b5f4f0d7f6cf16e2a39075462ed47a614bfbabd92508350d"},
	{"linux-arm64v8-alpine", "16.15.0", "1842bbbb3232a9f14fe86609d902f76a9b763b11f9bd1c46c1c33b6a2c874409"},
	{"darwin-amd64", "13.18.0", "7f06df75482a81a74fc82d85c6fcd7101f2375a0e748ee1081e2ee913f049a47"},
	{"darwin-amd64", "14.22.0", "846e5bb797f372c8e370df51e4151f4e4237058e8c27cfcaf62aa93203a4c5b0"},
	{"darwin-amd64", "15.19.0", "11d0a55e26f4c74c6ea6c72c5e4e6ac959b29a06cc6da5e5ac8162f9fd9f8055"},
	{"darwin-amd64", "16.15.0", "1229188b99515d2160d5cb6222bc96d9c5f3a248268df3bc2dfe0047e6c233d8"},
	{"darwin-amd64", "17.11.0", "d464ff178e9860ba204662ac23fa547504b7fd392392ff2fb92e3fd73b5bdb64"},
	{"darwin-amd64", "18.6.0", "690941008aac9ee360820fde9bb7870a4f3dcac5e9e2f9e45e42333a436ad0f9"},
	{"darwin-arm64v8", "14.23.0", "b3afa06270a5db96748ded366b9af590b29035ce16677e88c8ab65d0c455f613"},
	{"darwin-arm64v8", "15.19.0", "9bfc44d3f50298bb14fa125da4b67a36f382f8134ab2fc95349b72bcd5ec4e87"},
	{"darwin-arm64v8", "16.15.0", "65b953905f0a4d46030767a6b44a52360170d69a7985f1b02aa435f2f6256a83"},
	{"darwin-arm64v8", "17.11.0", "a1c2786acb0c398f9b2d76806fc52f5dc8b222cbc8e9383a9b9702084daaf3a5"},
	{"darwin-arm64v8", "18.4.0", "ab698c4486a795d2aa8a158b3a41e1201a77e7ff72a6255094cd5900080853c2"},
}

// findArtifact returns the archive of a major version for this machine.
func findArtifact(major int) (artifact, bool) {
	for _, platform := range platformNames(runtime.GOOS, runtime.GOARCH, isAlpine()) {
		for _, a := range artifacts {
			if a.platform == platform && parseMajor(a.version) == major {
				return a, true
			}
		}
	}
	return artifact{}, false
}

// platformNames returns the archives' names for a machine, best first.
func platformNames(goos, goarch string, alpine bool) []string {
	arch := goarch
	if arch == "arm64" {
		arch = "arm64v8"
	}
	switch {
	case goos == "linux" && alpine:
		return []string{"linux-" + arch + "-alpine"}
	case goos == "darwin" && goarch == "arm64":
		return []string{"darwin-arm64v8", "darwin-amd64"} // the second runs under Rosetta
	}
	return []string{goos + "-" + arch}
}

func isAlpine() bool {
	_, err := os.Stat("/etc/alpine-release")
	return err == nil
}

func parseMajor(version string) int {
	n := 0
	for _, c := range version {
		if c < '0' || c > '9' {
			break
		}
		n = n*10 + int(c-'0')
	}
	return n
}
