#!/usr/bin/env ruby
# check.rb FORMULA ARCHIVE FOLDER: stands in for Homebrew, as far as one formula needs it. Checks the formula as
# "brew audit" would, unpacks ARCHIVE, installs to FOLDER as the formula says, and runs its test.
require "digest"
require "fileutils"
require "open3"

PREFIX = File.expand_path(ARGV[2])
ORDER = %w[desc homepage url sha256 license depends_on install test].freeze

class Formula
  class << self
    attr_reader :said, :test_block

    def say(name, value)
      (@said ||= []) << [name, value]
    end

    %w[desc homepage url sha256 license depends_on].each do |name|
      define_method(name) { |value = nil| say(name, value) }
    end

    def test(&block)
      say("test", nil)
      @test_block = block
    end

    def method_added(name)
      say(name.to_s, nil)
    end

    def value(name)
      said.assoc(name)&.last
    end
  end

  def prefix = PREFIX
  def bin = "#{PREFIX}/bin"
  def man = "#{PREFIX}/share/man"
  def bash_completion = "#{PREFIX}/etc/bash_completion.d"
  def zsh_completion = "#{PREFIX}/share/zsh/site-functions"
  def fish_completion = "#{PREFIX}/share/fish/vendor_completions.d"
  def version = self.class.value("url")[/mpmcp-([0-9.]+)\.tar\.gz/, 1]

  def system(*words)
    Kernel.system(*words, out: File::NULL) or abort "check.rb: #{words.join(" ")} failed"
  end

  def shell_output(command, status = 0)
    text, ended = Open3.capture2("sh", "-c", command)
    abort "check.rb: #{command}: exit status #{ended.exitstatus}, not #{status}" if ended.exitstatus != status
    text
  end

  def assert_match(text, output)
    abort "check.rb: no #{text.inspect} in #{output.inspect}" unless output.include?(text)
  end
end

load File.expand_path(ARGV[0])
problems = []
names = Mpmcp.said.map(&:first)
problems << "stanzas in another order than #{ORDER.join(", ")}" if names.map { |n| ORDER.index(n) } != names.map { |n| ORDER.index(n) }.sort
problems << "stanzas missing: #{(ORDER - names).join(", ")}" unless (ORDER - names).empty?
desc = Mpmcp.value("desc")
problems << "desc: over 80 characters, ends with a full stop, or begins with an article or the name" if
  "mpmcp: #{desc}".length > 80 || desc.match?(/\.\z|\A(an?|the|mpmcp)\b/i) || desc !~ /\A[A-Z]/
needs = Mpmcp.said.filter { |n, _| n == "depends_on" }.map { |_, v| v.is_a?(Hash) ? [0, v.keys.first] : [1, v] }
problems << "dependencies: those to build first, each kind in alphabetical order" if needs != needs.sort
problems << "a word that the release fills in is left" if File.read(ARGV[0]).match?(/@[A-Z]+[A-Z0-9]*@/)
problems << "sha256 is of another archive" if Mpmcp.value("sha256") != Digest::SHA256.file(ARGV[1]).hexdigest
problems << "a line is longer than 118 characters" if File.readlines(ARGV[0]).any? { |line| line.length > 119 }
abort problems.join("\n") unless problems.empty?

FileUtils.rm_rf([PREFIX, "#{PREFIX}.build"])
FileUtils.mkdir_p("#{PREFIX}.build")
Kernel.system("tar", "-xzf", File.expand_path(ARGV[1]), "-C", "#{PREFIX}.build", "--strip-components=1", exception: true)
formula = Mpmcp.new
Dir.chdir("#{PREFIX}.build") { formula.install }
formula.instance_eval(&Mpmcp.test_block)
%w[share/man/man1/mpmcp.1 etc/bash_completion.d/mpmcp share/zsh/site-functions/_mpmcp
   share/fish/vendor_completions.d/mpmcp.fish].each do |file|
  abort "check.rb: #{file} is not installed" unless File.size?("#{PREFIX}/#{file}")
end
FileUtils.rm_rf("#{PREFIX}.build")
puts "ok   the formula builds, installs and passes its test"
