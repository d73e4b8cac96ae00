# kernel.sh DIR MODULE...: makes DIR/vmlinuz, DIR/MODULE.ko and DIR/gpio-sim.ko.
#
# Debian's kernel packages are fetched with lists of our own, so that neither root
# nor a foreign architecture of the system is needed. Debian builds its kernel
# without the GPIO simulator; it is compiled here from the same source.
# Needs apt, gcc for arm64 (gcc-aarch64-linux-gnu), make and xz.
mkdir -p "$1"
cd "$1"
shift
dir=$PWD

mkdir -p lists/partial cache/archives/partial root sim
: >status
cat >sources.list <<S
deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian-security bookworm-security main
S
# own TOOL ARGUMENTS: apt-get or apt-cache, with nothing of the system's.
own() {
	tool=$1
	shift
	"$tool" -q -o Dir::State::Lists="$dir/lists" -o Dir::State::status="$dir/status" -o Dir::Cache="$dir/cache" \
		-o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o APT::Architectures::=amd64 \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}
own apt-get update
version=$(own apt-cache pkgnames linux-image-6.12 |
	sed -n 's/^linux-image-\(6\.12\.[0-9]*+deb12\)-arm64$/\1/p' | sort -V | tail -n 1)
test -n "$version"
own apt-get download "linux-image-$version-arm64:arm64" "linux-headers-$version-arm64:arm64" "linux-headers-$version-common" \
	"linux-kbuild-$version:$(dpkg --print-architecture)" linux-source-6.12

for deb in linux-image-*.deb linux-headers-*.deb linux-kbuild-*.deb; do
	dpkg-deb -x "$deb" root
done
dpkg-deb --fsys-tarfile linux-source-*.deb | tar -xO ./usr/src/linux-source-6.12.tar.xz |
	tar -xJ --occurrence=1 linux-source-6.12/drivers/gpio/gpio-sim.c linux-source-6.12/kernel/irq/irq_sim.c

# The packages are not installed: their absolute paths lead here. Without vmlinux
# no type information is made, which would need one more tool.
headers=$dir/root/usr/src/linux-headers-$version-arm64
rm "$headers/vmlinux"
sed -i "s,^include /usr/src,include $dir/root/usr/src," "$headers/Makefile"

# irq_sim is part of the kernel or absent, no module; irq_to_desc is not for modules.
cp linux-source-6.12/drivers/gpio/gpio-sim.c sim/gpio-sim-core.c
sed 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq(irqnum)/' linux-source-6.12/kernel/irq/irq_sim.c >sim/irq_sim.c
printf 'obj-m := gpio-sim.o\ngpio-sim-y := gpio-sim-core.o irq_sim.o\n' >sim/Kbuild
make -C "$headers" ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- CC=aarch64-linux-gnu-gcc M="$dir/sim" modules
aarch64-linux-gnu-strip -g sim/gpio-sim.ko

cp "root/boot/vmlinuz-$version-arm64" vmlinuz
for module; do
	xz -dc "$(find "root/lib/modules/$version-arm64/kernel" -name "$module.ko.xz")" >"$module.ko"
done
mv sim/gpio-sim.ko .
rm -rf root sim cache lists status sources.list linux-source-6.12 ./*.deb
