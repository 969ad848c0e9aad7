#include "exec/images.h"
#include "base/alloc.h"

#include <link.h>

struct listing {
    struct gust__images *images; /* NULL: only count */
    size_t count;
    size_t room;
};

static int list_object(struct dl_phdr_info *object, size_t size, void *argument)
{
    struct listing *listing = argument;
    (void)size;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
            continue;
        if (listing->images && listing->count < listing->room) {
            uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
            listing->images->ranges[listing->count] = (struct gust__image){begin, begin + segment->p_memsz};
        }
        listing->count++;
    }
    return 0;
}

int gust__images_init(struct gust__images *images)
{
    struct listing listing = {0};
    dl_iterate_phdr(list_object, &listing);
    images->ranges = gust__calloc(listing.count, sizeof(*images->ranges));
    if (!images->ranges)
        return -1;
    listing = (struct listing){.images = images, .room = listing.count};
    dl_iterate_phdr(list_object, &listing);
    images->count = listing.count < listing.room ? listing.count : listing.room;
    return 0;
}

void gust__images_fini(struct gust__images *images)
{
    gust__free(images->ranges);
    *images = (struct gust__images){0};
}

bool gust__images_have(const struct gust__images *images, uintptr_t address)
{
    for (size_t i = 0; i < images->count; i++) {
        if (address >= images->ranges[i].begin && address < images->ranges[i].end)
            return true;
    }
    return false;
}
