# Builds mpmcp from a release's archive of the sources. "make release" fills in the words between @ signs.
# Not tried on a Mac by us: check.rb beside this file runs it with a stand-in for Homebrew.
class Mpmcp < Formula
  desc "MCP bridge for Mixpanel's hosted server, or any other over HTTP"
  homepage "@HOME@"
  url "@URL@/mpmcp-@VERSION@.tar.gz"
  sha256 "@SHA256@"
  license "MIT"

  depends_on "pkgconf" => :build
  # The one of macOS has another TLS library.
  depends_on "curl"
  depends_on "jansson"
  depends_on "openssl@3"

  def install
    system "make", "install", "PREFIX=#{prefix}", "MANDIR=#{man}", "BASHDIR=#{bash_completion}",
           "ZSHDIR=#{zsh_completion}", "FISHDIR=#{fish_completion}"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/mpmcp --version")
    assert_match "unexpected argument", shell_output("#{bin}/mpmcp status status 2>&1", 2)
  end
end
