package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// builtIn is the directory of the program that the tests run.
var builtIn string

// build builds onward once, as it is in the images: static.
var build = sync.OnceValues(func() (program string, err error) {
	if builtIn, err = os.MkdirTemp("", "onward-deploy-"); err != nil {
		return "", err
	}
	if err := os.Chmod(builtIn, 0o755); err != nil { // the pods' user reads it
		return "", err
	}
	program = filepath.Join(builtIn, "onward")
	cmd := exec.Command("go", "build", "-trimpath", "-o", program, "../cmd/onward")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func buildOnward(t testing.TB) string {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// cluster is what pods get: Secrets and ConfigMaps by name and key, and the files of the image beside the program, by path.
type cluster struct {
	testing.TB
	secrets, configMaps map[string]map[string]string
	files               map[string]string
}

// newCluster needs root: only root gives a process another root directory and another user.
func newCluster(t testing.TB, files map[string]string) *cluster {
	t.Helper()
	var err error
	if os.Geteuid() != 0 {
		err = errors.New("a pod's process needs a root directory of its own")
	}
	component.Need(t, component.Root, err)
	return &cluster{TB: t, files: files, secrets: map[string]map[string]string{}, configMaps: map[string]map[string]string{}}
}

// pod is the process of a pod.
type pod struct {
	*cluster
	spec   podSpec
	cmd    *exec.Cmd
	out    bytes.Buffer // standard output
	log    lockedBuffer // standard error
	ended  chan struct{}
	status syscall.WaitStatus
}

// lockedBuffer is read while a process writes it.
type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

// startPod starts the command of a pod as a node does: in the files of the image from scratch as the root directory, with the volumes of the
// manifest, as its user and with no other variables than its own. The user can write only where a volume is mounted for that.
func (c *cluster) startPod(s podSpec) *pod {
	c.Helper()
	if len(s.Containers) != 1 {
		c.Fatalf("%d containers", len(s.Containers))
	}
	box, root := s.Containers[0], c.TempDir()
	for _, dir := range []string{"usr/bin", "work", "tmp"} {
		c.makeDir(filepath.Join(root, dir), 0o755)
	}
	if err := os.Link(buildOnward(c), filepath.Join(root, "usr/bin/onward")); err != nil {
		c.Fatal(err)
	}
	for path, text := range c.files {
		c.writeFile(filepath.Join(root, path), text, 0o644, 0)
	}
	for _, m := range box.VolumeMounts {
		i := slices.IndexFunc(s.Volumes, func(v volume) bool { return v.Name == m.Name })
		if i < 0 {
			c.Fatalf("no volume %s", m.Name)
		}
		c.mountVolume(s.Volumes[i], filepath.Join(root, m.MountPath), s.SecurityContext.RunAsGroup)
	}
	p := &pod{cluster: c, spec: s, ended: make(chan struct{}), cmd: exec.Command(box.Command[0], append(box.Command[1:], box.Args...)...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = "/work", []string{"PATH=/usr/bin"}, &p.out, &p.log
	for _, e := range box.Env {
		value := e.Value
		if ref := e.ValueFrom.SecretKeyRef; ref.Name != "" {
			value = c.readSecret(ref.Name, ref.Key)
		}
		p.cmd.Env = append(p.cmd.Env, e.Name+"="+value)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     root,
		Credential: &syscall.Credential{Uid: uint32(s.SecurityContext.RunAsUser), Gid: uint32(s.SecurityContext.RunAsGroup), Groups: []uint32{}},
	}
	p.start()
	return p
}

// start starts the process; it is killed if the test ends before it.
func (p *pod) start() {
	p.Helper()
	if err := p.cmd.Start(); err != nil {
		p.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		p.status = p.cmd.ProcessState.Sys().(syscall.WaitStatus)
		close(p.ended)
	}()
	p.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
}

// mountVolume makes the directory of a volume.
func (c *cluster) mountVolume(v volume, dir string, group int) {
	c.Helper()
	switch {
	case v.EmptyDir != nil:
		c.makeDir(dir, 0o777)
	case v.Secret != nil:
		items := v.Secret.Items
		for key := range c.secrets[v.Secret.SecretName] {
			if len(v.Secret.Items) == 0 { // the whole Secret
				items = append(items, keyPath{key, key})
			}
		}
		for _, item := range items {
			c.writeFile(filepath.Join(dir, item.Path), c.readSecret(v.Secret.SecretName, item.Key), 0o440, group)
		}
	case v.ConfigMap != nil:
		for _, item := range v.ConfigMap.Items {
			c.writeFile(filepath.Join(dir, item.Path), c.configMaps[v.ConfigMap.Name][item.Key], 0o644, 0)
		}
	default:
		c.Fatalf("volume %s is of another kind", v.Name)
	}
}

func (c *cluster) readSecret(name, key string) string {
	c.Helper()
	value, ok := c.secrets[name][key]
	if !ok {
		c.Fatalf("the Secret %s has no %s", name, key)
	}
	return value
}

func (c *cluster) makeDir(dir string, mode os.FileMode) {
	c.Helper()
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.Chmod(dir, mode)
	}
	if err != nil {
		c.Fatal(err)
	}
}

func (c *cluster) writeFile(path, text string, mode os.FileMode, group int) {
	c.Helper()
	c.makeDir(filepath.Dir(path), 0o755)
	err := os.WriteFile(path, []byte(text), mode)
	if err == nil {
		err = os.Chown(path, 0, group)
	}
	if err != nil {
		c.Fatal(err)
	}
}

// wait waits for the end of the pod, and returns its exit code as Kubernetes reports it: 137 for a kill.
func (p *pod) wait() int {
	p.Helper()
	select {
	case <-p.ended:
	case <-time.After(3 * time.Minute):
		p.Fatalf("the pod does not end: %s", p.log.String())
	}
	if p.status.Signaled() {
		return 128 + int(p.status.Signal())
	}
	return p.status.ExitStatus()
}

// expectEnd waits for the end of the pod, and checks its exit code and its log.
func (p *pod) expectEnd(code int) {
	p.Helper()
	if got := p.wait(); got != code {
		p.Errorf("exit code %d instead of %d: %s", got, code, p.log.String())
	}
	p.checkLog()
}

// checkLog checks that the log reads well in kubectl logs: no control codes, no password, and each line says whose it is.
func (p *pod) checkLog() {
	p.Helper()
	text := p.log.String()
	if i := strings.IndexFunc(text+p.out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
		p.Errorf("a control code in the log: %q", text)
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "onward: ") {
			p.Errorf("log line %q", line)
		}
	}
	if strings.Contains(text+p.out.String(), password) {
		p.Errorf("the password is in the log: %s", text)
	}
}

// password is in the addresses of the tests. The servers do not ask for it.
const password = "s3cret-of-the-test"

func TestMain(m *testing.M) {
	code := pgservertest.Main(m)
	_ = os.RemoveAll(builtIn)
	os.Exit(code)
}
