# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2154
# The set-up that ./check and ./demo share; sourced by them, with $root set.
#
# On Debian and its children the packages of tests/packages.txt that are missing are installed, by
# root or through sudo. Anywhere else they are only named, and the work goes on if the tools and
# libraries are there.

export LC_ALL=C.UTF-8
jobs=$(nproc 2>/dev/null || echo 2)

say() { printf '== %s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# packages_for WORD…: the packages that are needed for any of these.
packages_for() {
	local package purposes purpose
	while read -r package purposes; do
		case $package in ''|'#'*) continue ;; esac
		for purpose in "$@"; do
			case " ${purposes:-$purpose} " in *" $purpose "*) echo "$package"; break ;; esac
		done
	done <"$root/tests/packages.txt"
}

# missing_of PACKAGE…: those that dpkg does not know as installed.
missing_of() {
	local package
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
			installed) ;;
			*) echo "$package" ;;
		esac
	done
}

# Services that come with packages (nginx, keepalived, slapd) must not start on this machine: the lab starts
# its own. policy-rc.d is Debian's way to say so.
apt_install() {
	local as=$1 policy=/usr/sbin/policy-rc.d ours='' status=0 service
	shift
	if [ ! -e "$policy" ]; then
		ours=yes
		printf '#!/bin/sh\nexit 101\n' | $as tee "$policy" >/dev/null
		$as chmod 755 "$policy"
	fi
	# shellcheck disable=SC2206 # $as is one word or none
	local apt=($as env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300
		-o Acquire::Retries=3)
	{ "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "$@"; } </dev/null || status=$?
	[ -z "$ours" ] || $as rm -f "$policy"
	if [ -d /run/systemd/system ]; then
		for service in nginx keepalived postgresql slapd; do
			case " $* " in *" $service"*) $as systemctl disable --now "$service" || true ;; esac
		done
	fi >/dev/null 2>&1
	return "$status"
}

install_packages() {
	local wanted missing as=''
	mapfile -t wanted < <(packages_for "$@")
	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
		say "This is no Debian system. Needed are the counterparts of these Debian packages:"
		printf '   %s\n' "${wanted[*]}"
		return
	fi
	mapfile -t missing < <(missing_of "${wanted[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	say "Installing ${missing[*]}"
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null || { ! sudo -n true 2>/dev/null && [ ! -t 0 ]; }; then
			die "packages are missing and installing needs root; as root run: apt-get install ${missing[*]}"
		fi
		as=sudo
	fi
	apt_install "$as" "${missing[@]}" ||
		die "apt-get could not install the packages; look above for its reason, mend it and run this again"
}

need_tools() {
	local tool lacking=''
	for tool in "$@"; do
		command -v "$tool" >/dev/null || lacking="$lacking $tool"
	done
	[ -z "$lacking" ] || die "cannot go on without:$lacking; install them and run this again"
}

# configure FOLDER OPTION…: a build folder below the root, made or made again with these options.
configure() {
	local folder=$1
	shift
	if [ -e "$root/$folder/meson-private/coredata.dat" ] && [ -e "$root/$folder/build.ninja" ]; then
		return
	fi
	say "Configuring $folder"
	rm -rf "${root:?}/$folder"
	meson setup "$root/$folder" "$root" "$@" >"$root/$folder.log" 2>&1 || {
		cat "$root/$folder.log"
		rm -rf "${root:?}/$folder"
		die "meson could not configure $folder; its reason is above"
	}
	rm -f "$root/$folder.log"
}

# with_tests FOLDER: what ./demo made is without them.
with_tests() {
	local folder=$1
	if grep -Eq '"name": "tests", "value": false' "$root/$folder/meson-info/intro-buildoptions.json"; then
		meson configure "$root/$folder" -Dtests=true || die "meson could not add the tests to $folder; its reason is above"
	fi
}

# build FOLDER [TARGET…]
build() {
	local folder=$1
	shift
	say "Building $folder"
	ninja -C "$root/$folder" -j "$jobs" --quiet "$@" || die "$folder does not build; the compiler's words are above"
}
