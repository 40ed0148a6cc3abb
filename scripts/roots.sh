# shellcheck shell=sh
# Fresh Debian roots, for making and trying packages: made by mmdebstrap, kept as tar archives under
# ${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse/deb, unpacked anew for each use. Sourced, not run. As root, or as a
# user with unprivileged user namespaces (package uidmap). MIRROR= takes another archive than mmdebstrap's own.

roots_cache=${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse/deb
[ "$(id -u)" -eq 0 ] && roots_map='' || roots_map='--map-root-user --map-auto'

root_make() { # OPTION...
    command -v mmdebstrap >/dev/null || { echo 'mmdebstrap is missing: apt-get install mmdebstrap' >&2; return 1; }
    echo "making the root $root_suite-$root_kind (once)" >&2
    root_new=$root_path.new
    mmdebstrap --quiet --format=tar --aptopt='APT::Install-Recommends "false"' "$@" \
        "$root_suite" "$root_new" ${MIRROR:+"$MIRROR"} >&2 || return 1
    mv "$root_new" "$root_path"
    # Older ones of this kind are of no use any more.
    find "$roots_cache" -maxdepth 1 -name "$root_suite-$root_kind-*.tar" ! -path "$root_path" -mtime +7 -delete
}

# The path of SUITE's root KIND, made unless it is there. What is in it depends on RECIPE (any text) and on the
# mmdebstrap options that follow: the same are not made twice.
root_tar() { # SUITE KIND RECIPE OPTION...
    root_suite=$1 root_kind=$2
    root_hash=$(printf '%s\n' "$MIRROR" "$@" | sha256sum | cut -c1-16)
    root_path=$roots_cache/$root_suite-$root_kind-$root_hash.tar
    shift 3
    mkdir -p "$roots_cache"
    # Who wants one that is being made waits for it.
    (
        flock 9
        [ -e "$root_path" ] || root_make "$@"
    ) 9>"$roots_cache/$root_suite-$root_kind.lock" || return 1
    printf '%s\n' "$root_path"
}

root_unpack() { # TAR FOLDER
    mkdir -p "$2"
    # shellcheck disable=SC2086 # words are wanted
    unshare $roots_map tar -C "$2" -xf "$1" --exclude='./dev/*'
}

# Run a command in the root, alone with its processes: when it ends, so do they. The network is ours.
root_run() { # FOLDER COMMAND...
    # shellcheck disable=SC2016,SC2086 # words are wanted; the inner shell expands
    unshare $roots_map --mount --pid --fork --kill-child sh -eu -c '
        root=$1
        shift
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        [ ! -e /etc/resolv.conf ] || { rm -f "$root/etc/resolv.conf"; cat /etc/resolv.conf >"$root/etc/resolv.conf"; }
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            DEB_BUILD_OPTIONS="$DEB_BUILD_OPTIONS" chroot "$root" "$@"' sh "$@"
}

root_remove() { # FOLDER
    # shellcheck disable=SC2086 # words are wanted
    unshare $roots_map rm -rf --one-file-system "$1"
}

# The root in which SUITE's packages for ARCH are built; this machine's own has lintian besides.
root_for_building() { # SUITE ARCH
    build_suite=$1 build_arch=$2 build_machine=$(dpkg --print-architecture)
    build_depends=$(sed -n '/^Build-Depends/,/^Standards/p' debian/control | grep '^ ')
    if [ "$build_arch" = "$build_machine" ]; then
        build_profiles=''
        set -- --include=lintian
    else
        build_profiles=cross,nocheck
        set -- --architectures="$build_machine,$build_arch" --include="crossbuild-essential-$build_arch"
    fi
    # shellcheck disable=SC2016 # mmdebstrap's shell expands
    root_tar "$build_suite" "build-$build_arch" "$build_depends" --variant=buildd "$@" \
        --dpkgopt=path-exclude='/usr/share/locale/*' --dpkgopt=path-exclude='/usr/share/doc/*' \
        --customize-hook='mkdir -p "$1/tmp/tree/debian"' --customize-hook='upload debian/control /tmp/tree/debian/control' \
        --customize-hook="chroot \"\$1\" apt-get -q -y build-dep --host-architecture $build_arch -P '$build_profiles' /tmp/tree" \
        --customize-hook='rm -r "$1/tmp/tree"'
}

# A root in which the packages' dependencies are there, and systemd, as on a small machine, and every shell that is
# completed for. For another architecture it takes qemu-user by binfmt_misc (package qemu-user-static).
root_for_trying() { # SUITE ARCH DEB...
    try_suite=$1 try_arch=$2
    shift 2
    try_depends=$(for try_deb in "$@"; do dpkg-deb -f "$try_deb" Depends; done | tr ',' '\n' |
        sed 's/[|(].*//; s/ //g' | grep -v '^gatehouse' | sort -u | paste -sd,)
    root_tar "$try_suite" "try-$try_arch" '' --variant=minbase --architectures="$try_arch" \
        --include="systemd-sysv,dbus,udev,curl,fish,zsh,$try_depends"
}
